use std::time::Duration;

use pubsub_api::{Capabilities, MAX_TOPICS_PER_PUBLISHER};

use super::BufferLimit;

/// How patient a subscriber is, and how much it holds back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FeedOptions {
    /// Whether publishers introduce themselves by `$hello`; not on a broker.
    pub introduced: bool,
    /// Whether publishers can be asked for what is missing; never on a broker.
    pub asks: bool,
    /// What one topic of one publisher may hold back.
    pub buffer: BufferLimit,
    /// What all of them may hold back together, in bytes.
    pub buffers_bytes: usize,
    /// The largest snapshot that is taken, in bytes.
    pub snapshot_bytes: usize,
    /// How many topics of one publisher are tracked. Of one that has more, events on the others are given unverified, and it is
    /// not live.
    pub max_topics: usize,
    /// How many publishers are followed; events of others are given unverified.
    pub max_publishers: usize,
    /// For how long a topic whose publisher is silent is remembered.
    pub remembered: Duration,
    /// Seeds the jitter.
    pub seed: u64,
}

impl FeedOptions {
    /// What suits a driver that promises this.
    #[must_use]
    pub fn of(capabilities: &Capabilities, seed: u64) -> Self {
        Self { introduced: !capabilities.broker, asks: capabilities.replay, seed, ..Self::default() }
    }
}

impl Default for FeedOptions {
    /// The bounds are those of reliability.md b; a snapshot may be as large as a service's cache by default, with a margin.
    fn default() -> Self {
        Self {
            introduced: true,
            asks: true,
            buffer: BufferLimit::default(),
            buffers_bytes: 64 * 1024 * 1024,
            snapshot_bytes: 256 * 1024 * 1024,
            max_topics: MAX_TOPICS_PER_PUBLISHER,
            max_publishers: 65_536,
            remembered: Duration::from_secs(600),
            seed: 0,
        }
    }
}

/// How long marks may take after a link is proved before topics that nothing has proved are asked for; up to twice as long,
/// by jitter, so that a thousand agents do not ask at once.
pub(super) const PROOF: Duration = Duration::from_millis(500);

/// How long the marks of a publisher that cannot be asked may take: each topic has one every 10 s ± 20 %.
pub(super) const MARKS_OVERDUE: Duration = Duration::from_secs(15);

/// The first time-out of a request; it doubles up to [`LONGEST_TIMEOUT`] (reliability.md d.4: 1, 2, 4 … 30 s).
pub(super) const FIRST_TIMEOUT: Duration = Duration::from_secs(1);

pub(super) const LONGEST_TIMEOUT: Duration = Duration::from_secs(30);

/// For how long a topic stays behind before what is missing is given up and told: five time-outs.
pub(super) const GIVE_UP: Duration = Duration::from_secs(30);
