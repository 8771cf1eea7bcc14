use std::sync::atomic::AtomicUsize;

use pubsub_api::{CauseCounter, Counter, CounterReading, LatencyCounter, RefusalJournal, RefusalReading};

/// What a publisher counts.
#[derive(Debug)]
pub(super) struct Metrics {
    /// From the time in the stamp until the driver has accepted the event.
    pub(super) fanout_latency: LatencyCounter,
    /// Bytes written to the ring.
    pub(super) ring_written: Counter,
    pub(super) numbered: Counter,
    pub(super) published: Counter,
    pub(super) repeats: Counter,
    pub(super) in_doubt: Counter,
    pub(super) refused: CauseCounter,
    pub(super) lost: CauseCounter,
    pub(super) hellos: Counter,
    pub(super) marks: Counter,
    pub(super) held_back: Counter,
    pub(super) marks_unsent: Counter,
    pub(super) requests: Counter,
    pub(super) bad_requests: CauseCounter,
    /// Requests above a limit of their rate.
    pub(super) limited: RefusalJournal,
    /// Requests about topics that the subscriber has no right to.
    pub(super) items_refused: RefusalJournal,
    /// Reports of agents about what they have applied.
    pub(super) reports: Counter,
    pub(super) reports_limited: Counter,
    pub(super) reports_refused: Counter,
    pub(super) replays: Counter,
    pub(super) replayed: Counter,
    pub(super) snapshots: Counter,
    pub(super) snapshot_rows: Counter,
    pub(super) full_syncs: Counter,
    pub(super) full_sync_rows: Counter,
    pub(super) rows_unavailable: Counter,
    pub(super) busy: Counter,
    pub(super) too_slow: Counter,
    pub(super) unknown: Counter,
    pub(super) unanswered: Counter,
    pub(super) ring_returns: Counter,
    pub(super) ring_returns_failed: Counter,
    /// The number of requests that wait for their turn.
    pub(super) requests_waiting: AtomicUsize,
}

impl Default for Metrics {
    fn default() -> Self {
        Self {
            fanout_latency: LatencyCounter::new("fanout_latency"),
            ring_written: Counter::new("ring_bytes_written"),
            numbered: Counter::new("events_numbered"),
            published: Counter::new("events_published"),
            repeats: Counter::new("events_repeated"),
            in_doubt: Counter::with_cause("lost_records", "in_doubt"),
            refused: CauseCounter::new("events_refused"),
            lost: CauseCounter::new("events_lost"),
            hellos: Counter::new("hellos"),
            marks: Counter::new("marks"),
            held_back: Counter::new("waits_for_snapshots"),
            marks_unsent: Counter::new("marks_unsent"),
            requests: Counter::new("sync_requests"),
            bad_requests: CauseCounter::new("sync_requests_bad"),
            limited: RefusalJournal::new("sync_requests_limited"),
            items_refused: RefusalJournal::new("sync_requests_refused"),
            reports: Counter::new("applied_reports"),
            reports_limited: Counter::with_cause("applied_reports_dropped", "too_many_of_peer"),
            reports_refused: Counter::with_cause("applied_reports_dropped", "too_many_agents"),
            replays: Counter::with_cause("sync_answers", "replay"),
            replayed: Counter::new("events_replayed"),
            snapshots: Counter::with_cause("sync_answers", "snapshot"),
            snapshot_rows: Counter::new("snapshot_rows"),
            full_syncs: Counter::with_cause("sync_answers", "rows"),
            full_sync_rows: Counter::new("full_sync_rows"),
            rows_unavailable: Counter::with_cause("sync_answers", "rows_unavailable"),
            busy: Counter::with_cause("sync_answers", "busy"),
            too_slow: Counter::with_cause("sync_answers", "too_slow"),
            unknown: Counter::with_cause("sync_answers", "unknown"),
            unanswered: Counter::new("sync_answers_unsent"),
            ring_returns: Counter::new("ring_returns"),
            ring_returns_failed: Counter::new("ring_returns_failed"),
            requests_waiting: AtomicUsize::new(0),
        }
    }
}

impl Metrics {
    pub(super) fn read(&self) -> Vec<CounterReading> {
        let counters = [
            &self.ring_written,
            &self.numbered,
            &self.published,
            &self.repeats,
            &self.in_doubt,
            &self.hellos,
            &self.marks,
            &self.held_back,
            &self.marks_unsent,
            &self.requests,
            &self.reports,
            &self.reports_limited,
            &self.reports_refused,
            &self.replays,
            &self.replayed,
            &self.snapshots,
            &self.snapshot_rows,
            &self.full_syncs,
            &self.full_sync_rows,
            &self.rows_unavailable,
            &self.busy,
            &self.too_slow,
            &self.unknown,
            &self.unanswered,
            &self.ring_returns,
            &self.ring_returns_failed,
        ];
        let mut metrics: Vec<CounterReading> = counters.iter().map(|counter| counter.read()).collect();
        let tallies = [&self.refused, &self.lost, &self.bad_requests];
        metrics.extend(tallies.iter().flat_map(|tally| tally.read()));
        metrics.extend([&self.limited, &self.items_refused].iter().flat_map(|journal| journal.counters()));
        metrics
    }

    /// Whose requests were refused lately, and why.
    pub(super) fn refusals(&self) -> Vec<RefusalReading> {
        [&self.limited, &self.items_refused].iter().flat_map(|journal| journal.read()).collect()
    }
}
