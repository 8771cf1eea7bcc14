use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::SubscriptionsSeen;
use super::admission::Admission;
use super::counters::Counters;
use super::encoder::Encoder;
use super::refusal_log::RefusalLog;
use crate::ZmtpSettings;
use crate::keys::AuthorizedFile;
use crate::request::RequestQueue;
use crate::request::router::replies::Requesters;

/// What all shards share.
#[derive(Debug)]
pub(super) struct Core {
    pub(super) settings: ZmtpSettings,
    pub(super) counters: Counters,
    pub(super) refusal_log: RefusalLog,
    pub(super) seen: Arc<SubscriptionsSeen>,
    pub(super) requests: Arc<RequestQueue>,
    pub(super) requesters: Requesters,
    pub(super) admission: Arc<Admission>,
    /// With CURVE: our keys, and the agents that may connect.
    pub(super) agents: Option<AuthorizedFile>,
    encoder: Mutex<Encoder>,
    stopping: AtomicBool,
    /// Connections whose handshake is not complete.
    handshakes: AtomicUsize,
}

impl Core {
    pub(super) fn new(
        settings: ZmtpSettings,
        seen: Arc<SubscriptionsSeen>,
        requests: Arc<RequestQueue>,
        agents: Option<AuthorizedFile>,
    ) -> Self {
        Self {
            admission: Arc::new(Admission::new(&settings)),
            settings,
            agents,
            counters: Counters::default(),
            refusal_log: RefusalLog::default(),
            seen,
            requests,
            requesters: Requesters::default(),
            encoder: Mutex::default(),
            stopping: AtomicBool::new(false),
            handshakes: AtomicUsize::new(0),
        }
    }

    pub(super) fn encoder(&self) -> MutexGuard<'_, Encoder> {
        self.encoder.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Offers a buffer to the encoder, unless it is in use: then it needs none.
    pub(super) fn recycle(&self, buffer: Vec<u8>) {
        if let Ok(mut encoder) = self.encoder.try_lock() {
            encoder.recycle(buffer);
        }
    }

    /// Makes the threads end after their turn.
    pub(super) fn stop(&self) {
        self.stopping.store(true, Ordering::Release);
    }

    pub(super) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }

    /// Whether the number of handshakes is at its bound: then no further connection is accepted, and slow handshakes are closed.
    pub(super) fn is_crowded(&self) -> bool {
        self.handshakes.load(Ordering::Relaxed) >= self.settings.max_handshakes
    }

    pub(super) fn handshake_begins(&self) {
        self.handshakes.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn handshake_ends(&self) {
        self.handshakes.fetch_sub(1, Ordering::Relaxed);
    }
}
