use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use listen::UnixClaim;
use pubsub_api::{Error, ErrorKind, Result};
use serde::de::DeserializeOwned;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval, timeout};

/// A Unix socket in `state_dir` whose clients are answered until this is dropped.
///
/// The socket has mode 0660. It is never taken over from a running program. If its file is deleted or replaced, it is made again within a
/// second.
#[derive(Debug)]
pub(crate) struct LocalSocket {
    task: JoinHandle<()>,
}

/// Answers one client, and closes the connection.
pub(crate) type AnswerClient =
    Arc<dyn Fn(UnixStream) -> Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync>;

/// The timeout of one request and its reply.
pub(crate) const REQUEST_TIMEOUT: Duration = Duration::from_secs(2);

/// The largest reply that is read, in bytes: 4,096 peers or 16,384 agents fit.
const MAX_REPLY_BYTES: u64 = 16 * 1024 * 1024;

/// The number of clients that are served at a time; more wait in the listener's backlog.
const MAX_CLIENTS: usize = 8;

/// The interval at which the server checks that its socket file is still in place.
const CHECK_INTERVAL: Duration = Duration::from_secs(1);

impl LocalSocket {
    /// Claims the socket, and answers clients in tasks of the current runtime.
    ///
    /// # Errors
    /// [`ErrorKind::Unavailable`] if the folder is missing or not writable, or another program of this kind runs in it; the
    /// text explains what to do.
    pub(crate) fn start(path: PathBuf, answer: AnswerClient) -> Result<Self> {
        let socket = ClaimedSocket::claim(path)?;
        Ok(Self { task: tokio::spawn(serve(socket, answer)) })
    }
}

impl Drop for LocalSocket {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A socket file and its listener.
struct ClaimedSocket {
    path: PathBuf,
    /// `None` if the file was lost and cannot be claimed again.
    claim: Option<UnixClaim>,
    listener: UnixListener,
}

impl ClaimedSocket {
    fn claim(path: PathBuf) -> Result<Self> {
        let (claim, listener) = claim(&path)?;
        Ok(Self { path, claim: Some(claim), listener })
    }

    fn restore_file(&mut self) {
        match &self.claim {
            Some(claim) if claim.is_in_place() => return,
            Some(_) => {
                tracing::warn!(
                    id = "SK0117",
                    "the socket {} was deleted or replaced; making it again",
                    self.path.display()
                );
            }
            None => {}
        }
        // The old claim holds the lock that the new one needs.
        self.claim = None;
        match claim(&self.path) {
            Ok((claim, listener)) => (self.claim, self.listener) = (Some(claim), listener),
            Err(error) => tracing::debug!("cannot make the socket again, retrying: {error}"),
        }
    }
}

fn claim(path: &Path) -> Result<(UnixClaim, UnixListener)> {
    let claim = UnixClaim::bind(path).map_err(|error| error.context("state_dir"))?;
    let listener = claim.listener().and_then(UnixListener::from_std).map_err(|error| {
        Error::new(ErrorKind::Unavailable, format!("cannot listen on {}", path.display())).with_source(error)
    })?;
    Ok((claim, listener))
}

async fn serve(mut socket: ClaimedSocket, answer: AnswerClient) {
    let clients = Arc::new(Semaphore::new(MAX_CLIENTS));
    let mut checks = interval(CHECK_INTERVAL);
    checks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let accepted = tokio::select! {
            accepted = accept(&socket.listener, &clients) => accepted,
            _ = checks.tick() => {
                socket.restore_file();
                continue;
            }
        };
        match accepted {
            Ok((client, permit)) => {
                let answered = answer(client);
                tokio::spawn(async move {
                    let _permit = permit;
                    if timeout(REQUEST_TIMEOUT, answered).await.is_err() {
                        tracing::debug!(
                            "a client of a local socket did not read its reply within {REQUEST_TIMEOUT:?}"
                        );
                    }
                });
            }
            Err(error) => {
                tracing::warn!(id = "SK0118", "cannot accept on a local socket: {error}");
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        }
    }
}

/// Cancel safe: a dropped permit returns to the semaphore.
async fn accept(
    listener: &UnixListener,
    clients: &Arc<Semaphore>,
) -> std::io::Result<(UnixStream, OwnedSemaphorePermit)> {
    let closed = |_| std::io::Error::from(std::io::ErrorKind::NotConnected);
    let permit = Arc::clone(clients).acquire_owned().await.map_err(closed)?;
    listener.accept().await.map(|(client, _)| (client, permit))
}

/// Sends a query to a program, and returns all that it replies.
///
/// # Errors
/// [`ErrorKind::Unavailable`] if no reply arrives within 2 s.
pub(crate) async fn exchange(socket: &Path, query: &[u8]) -> Result<Vec<u8>> {
    let unavailable =
        |text: &str| Error::new(ErrorKind::Unavailable, format!("{}: {text}", socket.display()));
    let request = async {
        let mut stream = UnixStream::connect(socket).await?;
        stream.write_all(query).await?;
        let mut reply = Vec::new();
        stream.take(MAX_REPLY_BYTES).read_to_end(&mut reply).await?;
        Ok::<_, std::io::Error>(reply)
    };
    let reply = timeout(REQUEST_TIMEOUT, request)
        .await
        .map_err(|_| unavailable(&format!("no reply within {REQUEST_TIMEOUT:?}")))?;
    reply.map_err(|error| unavailable("the program does not reply").with_source(error))
}

/// Reads a reply.
///
/// # Errors
/// [`ErrorKind::Internal`] if it is not what was expected.
pub(crate) fn parse<T: DeserializeOwned>(socket: &Path, reply: &[u8]) -> Result<T> {
    serde_json::from_slice(reply).map_err(|error| {
        Error::new(ErrorKind::Internal, format!("{}: the reply is not as expected", socket.display()))
            .with_source(error)
    })
}
