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

/// Answers everyone who connects to `<state_dir>/<program>.status` with one line of JSON, and closes.
///
/// The socket has mode 0660 and is never stolen: two programs of one kind need two folders.
#[derive(Debug)]
pub struct StatusServer {
    task: JoinHandle<()>,
}

/// How the sockets' files end.
const SUFFIX: &str = "status";

/// How long one asker may take to read; a status is a few kilobytes.
const ASKER_PATIENCE: Duration = Duration::from_secs(2);

/// How many askers are served at a time; more wait in the listener's backlog.
const ASKERS: usize = 8;

/// The largest status that is read, in bytes: 4,096 peers fit.
const MAX_STATUS_BYTES: u64 = 4 * 1024 * 1024;

/// How often the socket file is looked at.
const LOOK: Duration = Duration::from_secs(1);

impl StatusServer {
    /// Checks that [`start`](Self::start) can have its socket in the folder, and changes nothing. Whether another program of
    /// this kind runs there is left to the start.
    ///
    /// # Errors
    /// [`ErrorKind::Unavailable`] if the folder is missing or closed to us; the text says what to do.
    pub fn check(state_dir: &Path, program: &str) -> Result<()> {
        let path = state_dir.join(format!("{program}.{SUFFIX}"));
        let checked = listen::check_path(&path).and_then(|()| listen::check_directory(&path));
        checked.map_err(|error| error.context("state_dir"))
    }

    /// Claims the socket and answers with the document that `status` returns, until it is dropped. A socket file that is
    /// deleted or replaced meanwhile is made anew within a second.
    ///
    /// # Errors
    /// [`ErrorKind::Unavailable`] if the folder is missing or closed to us, or another program of this kind runs in
    /// it; the text says what to do.
    pub fn start(
        state_dir: &Path,
        program: &str,
        status: impl Fn() -> StatusDocument + Send + Sync + 'static,
    ) -> Result<Self> {
        let place = Place::claim(state_dir.join(format!("{program}.{SUFFIX}")))?;
        Ok(Self { task: tokio::spawn(serve(place, Arc::new(status))) })
    }
}

impl Drop for StatusServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A socket file, and the socket behind it.
struct Place {
    path: PathBuf,
    /// `None` if it was lost and cannot be claimed again.
    claim: Option<UnixClaim>,
    listener: UnixListener,
}

impl Place {
    fn claim(path: PathBuf) -> Result<Self> {
        let (claim, listener) = claim(&path)?;
        Ok(Self { path, claim: Some(claim), listener })
    }

    fn look_after_the_file(&mut self) {
        match &self.claim {
            Some(claim) if claim.is_in_place() => return,
            Some(_) => {
                tracing::warn!(
                    "the status socket {} was deleted or replaced: making it anew",
                    self.path.display()
                );
            }
            None => {}
        }
        // The old lock must go first.
        self.claim = None;
        match claim(&self.path) {
            Ok((claim, listener)) => (self.claim, self.listener) = (Some(claim), listener),
            Err(error) => tracing::debug!("no status socket: {error}"),
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

async fn serve(mut place: Place, status: Arc<dyn Fn() -> StatusDocument + Send + Sync>) {
    let places = Arc::new(Semaphore::new(ASKERS));
    let mut looks = interval(LOOK);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let accepted = tokio::select! {
            accepted = accept(&place.listener, &places) => accepted,
            _ = looks.tick() => {
                place.look_after_the_file();
                continue;
            }
        };
        match accepted {
            Ok((asker, permit)) => {
                let status = Arc::clone(&status);
                tokio::spawn(async move {
                    let _permit = permit;
                    if timeout(ASKER_PATIENCE, answer(asker, &status())).await.is_err() {
                        tracing::debug!("someone asked for the status and did not read it");
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

/// Cancel safe: a permit that is dropped returns.
async fn accept(
    listener: &UnixListener,
    places: &Arc<Semaphore>,
) -> std::io::Result<(UnixStream, OwnedSemaphorePermit)> {
    let closed = |_| std::io::Error::from(std::io::ErrorKind::NotConnected);
    let permit = Arc::clone(places).acquire_owned().await.map_err(closed)?;
    listener.accept().await.map(|(asker, _)| (asker, permit))
}

async fn answer(mut asker: UnixStream, status: &StatusDocument) {
    let mut line = serde_json::to_vec(status).unwrap_or_default();
    line.push(b'\n');
    stderr::written().await;
    if let Err(error) = asker.write_all(&line).await {
        tracing::debug!("someone asked for the status and left: {error}");
    }
}

/// The status sockets in a folder, sorted by name.
///
/// # Errors
/// [`ErrorKind::Unavailable`] if the folder cannot be read.
pub fn status_sockets(state_dir: &Path) -> Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(state_dir).map_err(|error| {
        Error::new(ErrorKind::Unavailable, format!("cannot look into state_dir {}", state_dir.display()))
            .with_source(error)
    })?;
    let paths = entries.filter_map(|entry| entry.ok().map(|entry| entry.path()));
    let mut paths: Vec<PathBuf> =
        paths.filter(|path| path.extension().is_some_and(|extension| extension == SUFFIX)).collect();
    paths.sort();
    Ok(paths)
}

/// Asks one program for its status.
///
/// # Errors
/// [`ErrorKind::Unavailable`] if nobody answers in time, [`ErrorKind::Internal`] if the answer is no status.
pub async fn ask_status(socket: &Path) -> Result<StatusDocument> {
    let unavailable =
        |text: &str| Error::new(ErrorKind::Unavailable, format!("{}: {text}", socket.display()));
    let ask = async {
        let stream = UnixStream::connect(socket).await?;
        let mut answer = Vec::new();
        stream.take(MAX_STATUS_BYTES).read_to_end(&mut answer).await?;
        Ok::<_, std::io::Error>(answer)
    };
    let answer = timeout(ASKER_PATIENCE, ask).await.map_err(|_| unavailable("no answer"))?;
    let answer = answer.map_err(|error| unavailable("nobody answers").with_source(error))?;
    serde_json::from_slice(&answer).map_err(|error| {
        Error::new(ErrorKind::Internal, format!("{}: the answer is no status", socket.display()))
            .with_source(error)
    })
}
