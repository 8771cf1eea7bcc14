use std::io;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use listen::UnixClaim;
use pubsub_api::{Error, ErrorKind, Result};
use tokio::net::{UnixListener, UnixStream};
use tokio::time::{MissedTickBehavior, interval};

use super::worker::Worker;
use super::{Ends, Intake};
use crate::subscriber::pull::credentials::{Allowed, Credentials, SocketFile};
use crate::subscriber::pull::publish_rights::PublishRights;

/// Accepts workers, and watches the socket file.
#[derive(Debug)]
pub(in crate::subscriber::pull) struct Acceptor {
    intake: Arc<Intake>,
    claim: SharedClaim,
    listener: UnixListener,
    allowed: Allowed,
}

/// A worker that may not stay.
struct Refused {
    cause: &'static str,
    who: String,
    reason: String,
}

const NO_RIGHTS: &str =
    "may not publish: no entry of drivers.zmtp.worker_rights names its user or one of its groups";

/// The claim of the socket file; closing takes it out.
pub(in crate::subscriber::pull) type SharedClaim = Arc<Mutex<Option<UnixClaim>>>;

/// The interval between checks of the socket file (docs/guarantees.md#f12: noticed within 2 s).
const LOOK: Duration = Duration::from_secs(1);

/// Without a free descriptor, accepting pauses for this time at first, which doubles up to [`LONGEST_PAUSE`]
/// (docs/guarantees.md#f17).
const SHORTEST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

impl Acceptor {
    /// Claims the socket and listens.
    pub(in crate::subscriber::pull) fn bind(intake: &Arc<Intake>) -> Result<(Self, SharedClaim)> {
        let claim = UnixClaim::bind(&intake.settings.socket)?;
        let (listener, allowed) = (listen(&claim)?, Allowed::new(&intake.settings.ipc_allow));
        let claim = Arc::new(Mutex::new(Some(claim)));
        let acceptor = Self { intake: Arc::clone(intake), claim: Arc::clone(&claim), listener, allowed };
        Ok((acceptor, claim))
    }

    /// Accepts until the stop signal.
    pub(in crate::subscriber::pull) async fn run(mut self, ends: Ends) {
        let mut stopping = ends.stopping.clone();
        let mut looks = interval(LOOK);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut pause = Pause::default();
        loop {
            tokio::select! {
                () = stopping.asked() => return,
                _ = looks.tick() => self.look_after_the_file(&ends),
                () = pause.ends(), if pause.lasts() => {}
                accepted = self.listener.accept(), if !pause.lasts() => match accepted {
                    Ok((stream, _)) => {
                        pause = Pause::default();
                        self.let_in(stream, &ends);
                    }
                    Err(error) => {
                        pause.begin();
                        if let Some(times) = self.intake.counters.paused.count("descriptors", Instant::now()) {
                            tracing::error!(id = "SK0702", times, "no worker is accepted for now: {error}");
                        }
                    }
                },
            }
        }
    }

    fn let_in(&self, stream: UnixStream, ends: &Ends) {
        let intake = &self.intake;
        intake.counters.accepted.add(1);
        let (name, rights) = match self.check(&stream) {
            Ok(admitted) => admitted,
            Err(Refused { cause, who, reason }) => {
                intake.counters.left.add(1);
                if let Some(times) = intake.counters.refused.refuse(cause, &who, &reason, Instant::now()) {
                    tracing::warn!(id = "SK0701", cause, times, "refused a worker: {who} {reason}");
                }
                return;
            }
        };
        let peer = intake.next_peer.fetch_add(1, Ordering::Relaxed);
        let worker = Worker::new(Arc::clone(intake), peer, stream, name, rights);
        let serve = || tokio::spawn(worker.serve(ends.clone())).abort_handle();
        if intake.handshakes.begin(peer, serve) {
            intake.counters.refused.count("too_many_handshakes", Instant::now());
        }
    }

    /// The worker's name and rights.
    fn check(&self, stream: &UnixStream) -> std::result::Result<(String, PublishRights), Refused> {
        let credentials = Credentials::of(stream).map_err(|error| Refused {
            cause: "credentials",
            who: "a process".to_owned(),
            reason: format!("has no credentials: {error}"),
        })?;
        let name = credentials.to_string();
        let refused = |cause, reason: String| Refused { cause, who: name.clone(), reason };
        let settings = &self.intake.settings;
        let socket = SocketFile::at(&settings.socket);
        self.allowed
            .check(&credentials, socket)
            .map_err(|refusal| refused("credentials", refusal.to_string()))?;
        let rights = PublishRights::of(&settings.worker_rights, &credentials, socket);
        let rights = rights.ok_or_else(|| refused("no_worker_rights", NO_RIGHTS.to_owned()))?;
        let bound = settings.max_connections;
        if self.intake.peers().len() >= bound {
            let reason = format!(
                "cannot connect: {bound} workers are connected already (drivers.zmtp.max_connections)"
            );
            return Err(refused("too_many_connections", reason));
        }
        Ok((name, rights))
    }

    /// If the file is gone or replaced, new workers cannot connect: it is claimed again. Connected workers stay.
    fn look_after_the_file(&mut self, ends: &Ends) {
        let mut shared = self.claim.lock().unwrap_or_else(PoisonError::into_inner);
        // Closing sends the stop signal first, and takes the claim then.
        if ends.stopping.is_asked() {
            return;
        }
        let path = &self.intake.settings.socket;
        match shared.as_ref() {
            Some(claim) if claim.is_in_place() => return,
            Some(_) => {
                tracing::warn!(
                    id = "SK0117",
                    "the socket {} was deleted or replaced; it is bound again",
                    path.display()
                )
            }
            None => {}
        }
        // The old lock must be released first. A close in the meantime waits for this lock.
        *shared = None;
        let bound = UnixClaim::bind(path).and_then(|claim| Ok((listen(&claim)?, claim)));
        match bound {
            Ok((listener, claim)) => {
                *shared = Some(claim);
                self.listener = listener;
                self.intake.counters.rebound.add(1);
            }
            Err(error) => {
                if let Some(times) = self.intake.counters.refused.count("socket_lost", Instant::now()) {
                    tracing::error!(id = "SK0702", times, "no new worker can connect: {error}");
                }
            }
        }
    }
}

/// A pause in accepting, twice as long each time until one is accepted.
#[derive(Debug, Default)]
struct Pause {
    until: Option<tokio::time::Instant>,
    length: Duration,
}

impl Pause {
    fn begin(&mut self) {
        self.length = (self.length * 2).clamp(SHORTEST_PAUSE, LONGEST_PAUSE);
        self.until = Some(tokio::time::Instant::now() + self.length);
    }

    fn lasts(&self) -> bool {
        self.until.is_some()
    }

    async fn ends(&mut self) {
        if let Some(until) = self.until {
            tokio::time::sleep_until(until).await;
            self.until = None;
        }
    }
}

fn listen(claim: &UnixClaim) -> Result<UnixListener> {
    let listener = claim.listener().and_then(UnixListener::from_std);
    listener.map_err(|error: io::Error| {
        let text = format!("cannot listen on {}", claim.path().display());
        Error::new(ErrorKind::Unavailable, text).with_source(error)
    })
}
