use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use pubsub_api::{CauseCounter, Counter, CounterReading, Error, ErrorKind, Result};

use crate::hop::Refusal;

/// The counters and the state of the link.
///
/// - `events_handed_over`: events whose last byte was written to the service's socket, each counted once.
/// - `events_acknowledged`: events that the service has accepted, or refused for good.
/// - `events_resent`: events that were written again, because the connection broke before they were acknowledged.
/// - `events_unconfirmed`: events that were handed over to a service that acknowledges nothing.
/// - `links_lost`: connections that broke.
/// - `events_in_doubt`: unconfirmed events that were handed over to a connection which then broke, and of which it is not
///   known that the service had read them. They are not sent again.
/// - `events_refused`: calls of `send` that were refused as overloaded, and events that the service refused.
/// - `peers_refused`: connections that ended in the handshake, as the listener is no service for us, by cause.
#[derive(Debug)]
pub(super) struct LinkCounters {
    state: AtomicU8,
    pub(super) handed_over: Counter,
    pub(super) acknowledged: Counter,
    pub(super) resent: Counter,
    pub(super) unconfirmed: Counter,
    pub(super) links_lost: Counter,
    pub(super) in_doubt: Counter,
    pub(super) dropped: Counter,
    pub(super) overloaded: Counter,
    refused_by_service: CauseCounter,
    refusals: Mutex<Refusals>,
    /// Connections to an incompatible peer.
    pub(super) peers_refused: CauseCounter,
    /// Why there is no connection, as the last attempt found it.
    failure: Mutex<Option<String>>,
}

/// The events that the service refused for good.
#[derive(Debug, Default)]
struct Refusals {
    total: u64,
    /// How many of them were reported to a caller.
    reported: u64,
    last_reason: String,
}

/// What became of the link, in numbers for an atomic.
const CONNECTING: u8 = 0;
const UP: u8 = 1;
const UP_NOT_CONFIRMING: u8 = 2;

impl Default for LinkCounters {
    fn default() -> Self {
        Self {
            state: AtomicU8::new(CONNECTING),
            handed_over: Counter::new("events_handed_over"),
            acknowledged: Counter::new("events_acknowledged"),
            resent: Counter::new("events_resent"),
            unconfirmed: Counter::new("events_unconfirmed"),
            links_lost: Counter::new("links_lost"),
            in_doubt: Counter::new("events_in_doubt"),
            dropped: Counter::with_cause("events_dropped", "closed"),
            overloaded: Counter::with_cause("events_refused", "overloaded"),
            refused_by_service: CauseCounter::new("events_refused"),
            refusals: Mutex::default(),
            peers_refused: CauseCounter::new("peers_refused"),
            failure: Mutex::default(),
        }
    }
}

impl LinkCounters {
    /// A connection stands.
    pub(super) fn is_up(&self, confirms: bool) {
        *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = None;
        self.state.store(if confirms { UP } else { UP_NOT_CONFIRMING }, Ordering::Relaxed);
    }

    /// No connection stands.
    pub(super) fn is_down(&self) {
        self.state.store(CONNECTING, Ordering::Relaxed);
    }

    /// An attempt to connect failed.
    pub(super) fn failed(&self, reason: String) {
        *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(reason);
    }

    /// Why nothing is confirmed, in words.
    pub(super) fn failure(&self) -> String {
        let failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
        failure.clone().unwrap_or_else(|| "the service is connected and acknowledges nothing".to_owned())
    }

    /// The service refused events for good.
    pub(super) fn refused(&self, refusal: Refusal) {
        let due = self.refused_by_service.count_many("service", refusal.events, Instant::now());
        if let Some(times) = due {
            tracing::error!(
                id = "SK0710",
                times,
                "the publisher service refused events of this process: {}",
                refusal.reason
            );
        }
        let mut refusals = self.refusals();
        refusals.total = refusals.total.saturating_add(refusal.events);
        refusals.last_reason = refusal.reason;
    }

    /// The number of refused events that a caller was told about.
    pub(super) fn reported_refusals(&self) -> u64 {
        self.refusals().reported
    }

    /// The refused events beyond the first `known`, as an error: each caller that waits when they are refused is told, and the
    /// first that comes later.
    pub(super) fn report_refusals(&self, known: u64) -> Result<()> {
        let mut refusals = self.refusals();
        let events = refusals.total.saturating_sub(known);
        refusals.reported = refusals.total;
        if events == 0 {
            return Ok(());
        }
        let reason = &refusals.last_reason;
        let text = format!("the publisher service refused {events} events, the last one because {reason}");
        Err(Error::new(ErrorKind::Invalid, text))
    }

    fn refusals(&self) -> MutexGuard<'_, Refusals> {
        self.refusals.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The state in words, for [`PeerReading`](pubsub_api::PeerReading).
    pub(super) fn state(&self) -> &'static str {
        match self.state.load(Ordering::Relaxed) {
            CONNECTING => "connecting",
            UP => "up",
            _ => "up, not confirming",
        }
    }

    pub(super) fn read(&self) -> Vec<CounterReading> {
        let all = [
            &self.handed_over,
            &self.acknowledged,
            &self.resent,
            &self.unconfirmed,
            &self.links_lost,
            &self.in_doubt,
            &self.dropped,
            &self.overloaded,
        ];
        all.map(Counter::read)
            .into_iter()
            .chain(self.refused_by_service.read())
            .chain(self.peers_refused.read())
            .collect()
    }
}
