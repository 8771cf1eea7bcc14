use std::path::{Path, PathBuf};
use std::sync::Arc;

use pubsub_api::{Error, ErrorKind, Result};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;

use crate::DrainRequest;
use crate::local_socket::{LocalSocket, exchange, parse};

/// What a client of a [`QueryServer`] requests, as one line of JSON: `{"query":"agents"}`.
///
/// ```
/// use service_kit::Query;
///
/// let row = Query::Row { table: "lport".to_owned(), key: "port-1".to_owned() };
/// assert_eq!(serde_json::to_string(&row)?, r#"{"query":"row","table":"lport","key":"port-1"}"#);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "query", rename_all = "snake_case")]
pub enum Query {
    /// The agents that report what they have applied.
    Agents,
    /// The latest event of a row, and the agents that have applied it.
    Row {
        /// The row's table.
        table: String,
        /// The row's key.
        key: String,
    },
    /// Drains the program and ends it, or follows the drain that runs. Only root and the user of the program may request it.
    Drain(DrainRequest),
}

/// Replies to a query; `Err` says why the program knows nothing of it. It may compute for some milliseconds, in a thread for blocking
/// work, but must not wait.
pub type ReplyToQuery = dyn Fn(&Query) -> std::result::Result<Value, String> + Send + Sync;

/// Replies to one query of each client that connects to `<state_dir>/<program>.query`, with one line of JSON: `{"found":…}` or
/// `{"refused":"…"}`. Then it closes the connection.
///
/// The socket has mode 0660.
#[derive(Debug)]
pub struct QueryServer(#[expect(dead_code, reason = "it ends when this is dropped")] LocalSocket);

/// The longest query that is read, in bytes: the names of a row have at most 1 MiB together, as an event has.
const MAX_QUERY_BYTES: u64 = 2 * 1024 * 1024;

/// The reply to a query.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Reply {
    Found(Value),
    Refused(String),
}

impl QueryServer {
    /// Claims the socket, and replies until the server is dropped. If the socket file is deleted or replaced, the server makes it again
    /// within a second.
    ///
    /// # Errors
    /// [`ErrorKind::Unavailable`] if the folder is missing or not writable, or another program of this kind runs in it; the text explains
    /// what to do.
    pub fn start(state_dir: &Path, program: &str, reply: Arc<ReplyToQuery>) -> Result<Self> {
        let answer = move |client| -> std::pin::Pin<Box<dyn Future<Output = ()> + Send>> {
            Box::pin(answer(client, Arc::clone(&reply)))
        };
        Ok(Self(LocalSocket::start(socket(state_dir, program), Arc::new(answer))?))
    }
}

fn socket(state_dir: &Path, program: &str) -> PathBuf {
    state_dir.join(format!("{program}.query"))
}

async fn answer(mut client: UnixStream, reply: Arc<ReplyToQuery>) {
    let query = read(&mut client).await.and_then(|query| match query {
        Query::Drain(_) if !may_drain(&client) => {
            Err("only root and the user that it runs as may drain it".to_owned())
        }
        query => Ok(query),
    });
    let mut line = match query {
        Ok(query) => reply_to(query, reply).await,
        Err(reason) => serde_json::to_vec(&Reply::Refused(reason)).unwrap_or_default(),
    };
    line.push(b'\n');
    if let Err(error) = client.write_all(&line).await {
        tracing::debug!("a client of the query socket disconnected before its reply was written: {error}");
    }
}

/// Other queries change nothing, so that the mode of the socket is enough.
fn may_drain(client: &UnixStream) -> bool {
    let own = rustix::process::geteuid().as_raw();
    client.peer_cred().is_ok_and(|peer| peer.uid() == 0 || peer.uid() == own)
}

/// # Errors
/// Why what the client sent is not a query.
async fn read(client: &mut UnixStream) -> std::result::Result<Query, String> {
    let mut line = String::new();
    let mut reader = BufReader::new(client.take(MAX_QUERY_BYTES));
    let not_a_query = |error: &dyn std::fmt::Display| format!("this is not a query: {error}");
    reader.read_line(&mut line).await.map_err(|error| not_a_query(&error))?;
    serde_json::from_str(&line).map_err(|error| not_a_query(&error))
}

async fn reply_to(query: Query, reply: Arc<ReplyToQuery>) -> Vec<u8> {
    let reply = tokio::task::spawn_blocking(move || match reply(&query) {
        Ok(found) => Reply::Found(found),
        Err(reason) => Reply::Refused(reason),
    });
    let reply = reply.await.unwrap_or_else(|error| Reply::Refused(format!("the query failed: {error}")));
    serde_json::to_vec(&reply).unwrap_or_default()
}

/// Sends a query to the program of this name that runs with this `state_dir`.
///
/// # Errors
/// [`ErrorKind::Unavailable`] if no reply arrives within 2 s, [`ErrorKind::Unsupported`] if the program refuses the query,
/// [`ErrorKind::Internal`] if the reply is of another form.
///
/// # Cancel safety
/// May be dropped and called again: a query changes nothing at the program, and a drain that was requested is requested once.
pub async fn query(state_dir: &Path, program: &str, query: &Query) -> Result<Value> {
    let socket = socket(state_dir, program);
    let mut line = serde_json::to_vec(query).unwrap_or_default();
    line.push(b'\n');
    match parse(&socket, &exchange(&socket, &line).await?)? {
        Reply::Found(found) => Ok(found),
        Reply::Refused(reason) => Err(Error::new(ErrorKind::Unsupported, format!("{program}: {reason}"))),
    }
}
