use std::path::{Path, PathBuf};
use std::sync::Arc;

use pubsub_api::{Error, ErrorKind, Result};
use tokio::io::AsyncWriteExt;
use tokio::net::UnixStream;

use crate::local_socket::{LocalSocket, exchange, parse};
use crate::{StatusDocument, stderr};

/// Sends one line of JSON to each client that connects to `<state_dir>/<program>.status`, then closes the connection.
///
/// The socket has mode 0660. A server never takes over the socket of a running program: two programs of one kind need two
/// folders.
#[derive(Debug)]
pub struct StatusServer(#[expect(dead_code, reason = "it ends when this is dropped")] LocalSocket);

/// The extension of the socket files.
const SUFFIX: &str = "status";

impl StatusServer {
    /// Checks that [`start`](Self::start) can make its socket in the folder, and changes nothing. It does not check whether
    /// another program of this kind runs there.
    ///
    /// # Errors
    /// [`ErrorKind::Unavailable`] if the folder is missing or not writable; the text explains what to do.
    pub fn check(state_dir: &Path, program: &str) -> Result<()> {
        let path = state_dir.join(format!("{program}.{SUFFIX}"));
        let checked = listen::check_path(&path).and_then(|()| listen::check_directory(&path));
        checked.map_err(|error| error.context("state_dir"))
    }

    /// Claims the socket and replies with the document that `status` returns, until the server is dropped. If the socket
    /// file is deleted or replaced, the server makes it again within a second.
    ///
    /// `status` is called for each client, in a task of the runtime: it must not wait.
    ///
    /// # Errors
    /// [`ErrorKind::Unavailable`] if the folder is missing or not writable, or another program of this kind runs in it; the
    /// text explains what to do.
    pub fn start(
        state_dir: &Path,
        program: &str,
        status: impl Fn() -> StatusDocument + Send + Sync + 'static,
    ) -> Result<Self> {
        let path = state_dir.join(format!("{program}.{SUFFIX}"));
        let socket = LocalSocket::start(path, Arc::new(move |client| Box::pin(reply(client, status()))))?;
        Ok(Self(socket))
    }
}

async fn reply(mut client: UnixStream, status: StatusDocument) {
    let mut line = serde_json::to_vec(&status).unwrap_or_default();
    line.push(b'\n');
    stderr::written().await;
    if let Err(error) = client.write_all(&line).await {
        tracing::debug!("a client of the status socket disconnected before its reply was written: {error}");
    }
}

/// The status sockets in a folder, sorted by name.
///
/// # Errors
/// [`ErrorKind::Unavailable`] if the folder cannot be read.
pub fn status_sockets(state_dir: &Path) -> Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(state_dir).map_err(|error| {
        Error::new(
            ErrorKind::Unavailable,
            format!("cannot read the folder state_dir {}", state_dir.display()),
        )
        .with_source(error)
    })?;
    let paths = entries.filter_map(|entry| entry.ok().map(|entry| entry.path()));
    let mut paths: Vec<PathBuf> =
        paths.filter(|path| path.extension().is_some_and(|extension| extension == SUFFIX)).collect();
    paths.sort();
    Ok(paths)
}

/// Requests the status of one program.
///
/// # Errors
/// [`ErrorKind::Unavailable`] if no reply arrives within 2 s, [`ErrorKind::Internal`] if the reply is not a status document.
///
/// # Cancel safety
/// May be dropped and called again: a request changes nothing at the program.
///
/// ```
/// use pubsub_api::Result;
/// use service_kit::{request_status, status_sockets};
/// use std::path::Path;
///
/// /// Prints each running program in a folder, and since when it runs.
/// async fn list(state_dir: &Path) -> Result<()> {
///     for socket in status_sockets(state_dir)? {
///         let status = request_status(&socket).await?;
///         println!("{} {}: {} s", status.program, status.pid, status.uptime_seconds);
///     }
///     Ok(())
/// }
/// ```
pub async fn request_status(socket: &Path) -> Result<StatusDocument> {
    parse(socket, &exchange(socket, b"").await?)
}
