use pubsub_api::{LatencyBatch, Topic};

/// How long live events were on their way, by the time in their stamps. Replayed events are not counted: they are late because
/// they were missed.
#[derive(Debug, Default)]
pub(super) struct LiveLatencies {
    batch: LatencyBatch,
    /// The wall clock of this turn, in microseconds since 1970; 0 if nobody sets it.
    wall_us: u64,
}

impl LiveLatencies {
    pub(super) fn set_wall_clock(&mut self, wall_us: u64) {
        self.wall_us = wall_us;
    }

    /// Notes the arrival of a message of the stream; marks, and stamps without a time, do not count.
    #[inline]
    pub(super) fn note(&mut self, topic: &Topic, stamp_us: u64) {
        if self.wall_us > 0 && stamp_us > 0 && !topic.is_reserved() {
            self.batch.add_since(stamp_us, self.wall_us);
        }
    }

    /// What was noted since the caller took it.
    pub(super) fn batch(&mut self) -> &mut LatencyBatch {
        &mut self.batch
    }
}
