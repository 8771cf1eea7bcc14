use pubsub_api::{CauseCounter, Counter, Status};

/// The counters of an adapter.
#[derive(Debug)]
pub(super) struct Metrics {
    /// Packets that the driver accepted.
    pub(super) sent: Counter,
    /// Packets that were not sent, by the kind of the error.
    pub(super) unsent: CauseCounter,
    /// Valid packets of other instances.
    pub(super) received: Counter,
    /// The bytes of all packets that arrived, with their topics.
    pub(super) received_bytes: Counter,
    /// Packets of this instance that came back.
    pub(super) echoed: Counter,
    /// What was received and is no packet for this node, by cause.
    pub(super) invalid: CauseCounter,
    /// Resets, by the notice of the driver.
    pub(super) resets: CauseCounter,
    /// Introductions that reached no publisher, by cause.
    pub(super) introductions_failed: CauseCounter,
}

impl Default for Metrics {
    fn default() -> Self {
        Self {
            sent: Counter::new("packets_sent"),
            unsent: CauseCounter::new("packets_unsent"),
            received: Counter::new("packets_received"),
            received_bytes: Counter::new("packet_bytes_received"),
            echoed: Counter::new("packets_echoed"),
            invalid: CauseCounter::new("packets_invalid"),
            resets: CauseCounter::new("link_resets"),
            introductions_failed: CauseCounter::new("introductions_failed"),
        }
    }
}

impl Metrics {
    /// Returns all counters.
    pub(super) fn read(&self) -> Status {
        let counters = [&self.sent, &self.received, &self.received_bytes, &self.echoed];
        let mut counters: Vec<_> = counters.into_iter().map(Counter::read).collect();
        for causes in [&self.unsent, &self.invalid, &self.resets, &self.introductions_failed] {
            counters.extend(causes.read());
        }
        Status { counters, ..Status::default() }
    }
}
