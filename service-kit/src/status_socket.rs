use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use listen::UnixClaim;
use pubsub_api::{Error, ErrorKind, Result};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval, timeout};

use crate::{StatusDocument, stderr};

/// Sends one line of JSON to each client that connects to `<state_dir>/<program>.status`, then closes the connection.
///
/// The socket has mode 0660. A server never takes over the socket of a running program: two programs of one kind need two
/// folders.
#[derive(Debug)]
pub struct StatusServer {
    task: JoinHandle<()>,
}

/// The extension of the socket files.
const SUFFIX: &str = "status";

/// The timeout of one request and its reply; a status is a few kilobytes.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(2);

/// The number of clients that are served at a time; more wait in the listener's backlog.
const MAX_CLIENTS: usize = 8;

/// The largest status that is read, in bytes: 4,096 peers fit.
const MAX_STATUS_BYTES: u64 = 4 * 1024 * 1024;

/// The interval at which the server checks that its socket file is still in place.
const CHECK_INTERVAL: Duration = Duration::from_secs(1);

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
        let socket = ClaimedSocket::claim(state_dir.join(format!("{program}.{SUFFIX}")))?;
        Ok(Self { task: tokio::spawn(serve(socket, Arc::new(status))) })
    }
}

impl Drop for StatusServer {
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
                    "the status socket {} was deleted or replaced; making it again",
                    self.path.display()
                );
            }
            None => {}
        }
        // The old claim holds the lock that the new one needs.
        self.claim = None;
        match claim(&self.path) {
            Ok((claim, listener)) => (self.claim, self.listener) = (Some(claim), listener),
            Err(error) => tracing::debug!("cannot make the status socket, retrying: {error}"),
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

async fn serve(mut socket: ClaimedSocket, status: Arc<dyn Fn() -> StatusDocument + Send + Sync>) {
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
                let status = Arc::clone(&status);
                tokio::spawn(async move {
                    let _permit = permit;
                    if timeout(REQUEST_TIMEOUT, reply(client, &status())).await.is_err() {
                        tracing::debug!(
                            "a client of the status socket did not read its reply within {REQUEST_TIMEOUT:?}"
                        );
                    }
                });
            }
            Err(error) => {
                tracing::warn!("cannot accept on the status socket: {error}");
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

async fn reply(mut client: UnixStream, status: &StatusDocument) {
    let mut line = serde_json::to_vec(status).unwrap_or_default();
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
    let unavailable =
        |text: &str| Error::new(ErrorKind::Unavailable, format!("{}: {text}", socket.display()));
    let request = async {
        let stream = UnixStream::connect(socket).await?;
        let mut reply = Vec::new();
        stream.take(MAX_STATUS_BYTES).read_to_end(&mut reply).await?;
        Ok::<_, std::io::Error>(reply)
    };
    let reply = timeout(REQUEST_TIMEOUT, request)
        .await
        .map_err(|_| unavailable(&format!("no reply within {REQUEST_TIMEOUT:?}")))?;
    let reply = reply.map_err(|error| unavailable("the program does not reply").with_source(error))?;
    serde_json::from_slice(&reply).map_err(|error| {
        Error::new(ErrorKind::Internal, format!("{}: the reply is not a status document", socket.display()))
            .with_source(error)
    })
}
