//! What is counted and logged of a worker: events that it may not publish, and why its connection ends.

use std::io;
use std::time::Instant;

use super::Worker;
use crate::hop::Refusal;
use crate::protocol::ProtocolError;
use crate::subscriber::pull::intake::numbering::Breach;

/// Why a connection ends.
pub(super) enum CloseReason {
    Gone,
    GoneInHandshake,
    Stopping,
    Refused(&'static str, String),
}

impl From<ProtocolError> for CloseReason {
    fn from(error: ProtocolError) -> Self {
        Breach::Protocol(error).into()
    }
}

impl From<Breach> for CloseReason {
    fn from(breach: Breach) -> Self {
        Self::Refused(breach.cause(), breach.to_string())
    }
}

impl From<io::Error> for CloseReason {
    fn from(_: io::Error) -> Self {
        Self::Gone
    }
}

impl Worker {
    /// Counts and logs the events that it may not publish.
    pub(super) fn report_refused(&self, refused: &[String]) {
        let (journal, now) = (&self.intake.counters.publications_refused, Instant::now());
        let who = if refused.is_empty() { String::new() } else { self.name() };
        for event in refused {
            let reason = format!("drivers.zmtp.worker_rights does not allow {event}");
            self.acks.refuse(Refusal { events: 1, reason });
            if let Some(times) = journal.refuse("worker_right", &who, event, now) {
                tracing::warn!(
                    id = "SK0705",
                    times,
                    "dropped {event} from {who}: drivers.zmtp.worker_rights does not allow it"
                );
            }
        }
    }

    fn name(&self) -> String {
        self.intake.peers().get(&self.peer).map(|peer| peer.endpoint.clone()).unwrap_or_default()
    }

    /// Counts and logs why the connection ends.
    pub(super) fn leave(&self, leaving: CloseReason) {
        let counters = &self.intake.counters;
        let now = Instant::now();
        match leaving {
            CloseReason::Stopping => {}
            // A port check: no cause for alarm.
            CloseReason::GoneInHandshake => drop(counters.refused.count("left_in_handshake", now)),
            CloseReason::Gone => {
                if self.bytes.is_cut_off()
                    && let Some(times) = counters.dropped.count("cut_off", now)
                {
                    tracing::warn!(
                        id = "SK0704",
                        times,
                        "{} disconnected in the middle of an event; the partial event is dropped",
                        self.name()
                    );
                }
            }
            CloseReason::Refused(cause, reason) => {
                let name = self.name();
                if let Some(times) = counters.refused.refuse(cause, &name, &reason, now) {
                    tracing::warn!(id = "SK0703", cause, times, "closed the connection of {name}: {reason}");
                }
            }
        }
    }
}
