use std::time::Duration;

use pubsub_api::{Capabilities, MAX_TOPICS_PER_PUBLISHER};

use super::{BufferLimit, Introduction};

/// How patient a subscriber is, and how much it holds back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FeedOptions {
    /// How publishers become known.
    pub introduction: Introduction,
    /// Whether publishers can be asked for what is missing; never on a broker.
    pub asks: bool,
    /// What one topic of one publisher may hold back.
    pub buffer: BufferLimit,
    /// What all of them may hold back together, in bytes.
    pub buffers_bytes: usize,
    /// The largest snapshot that is taken of a publisher that does not announce its size, in bytes. What is announced is
    /// taken: the publisher's `snapshot_bytes` bounds it.
    pub snapshot_bytes: usize,
    /// How many topics of one publisher are tracked. Of one that has more, events on the others are given unverified, and it is
    /// not live.
    pub max_topics: usize,
    /// How many publishers are followed; events of other publishers are delivered unverified.
    pub max_publishers: usize,
    /// How late what arrives may be before its publisher counts as stale; it is judged by publishers that say hello.
    pub max_delay: Duration,
    /// For how long a topic whose publisher is silent is remembered.
    pub remembered: Duration,
    /// Seeds the jitter.
    pub seed: u64,
}

impl FeedOptions {
    /// What suits a driver that promises this.
    #[must_use]
    pub fn of(capabilities: &Capabilities, seed: u64) -> Self {
        let introduction = Introduction::of(capabilities);
        Self { introduction, asks: capabilities.replay, seed, ..Self::default() }
    }
}

impl Default for FeedOptions {
    /// A snapshot may be as large as a service's cache by default, with a margin.
    fn default() -> Self {
        Self {
            introduction: Introduction::ByHello,
            asks: true,
            buffer: BufferLimit::default(),
            buffers_bytes: 64 * 1024 * 1024,
            snapshot_bytes: 256 * 1024 * 1024,
            max_topics: MAX_TOPICS_PER_PUBLISHER,
            max_publishers: 65_536,
            max_delay: Duration::from_secs(10),
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

/// How long the first sign of an answer may take; it doubles after each request without one, up to [`LONGEST_TIMEOUT`]. The
/// publisher reports a request that waits for its turn.
pub(super) const FIRST_TIMEOUT: Duration = Duration::from_secs(2);

pub(super) const LONGEST_TIMEOUT: Duration = Duration::from_secs(30);

/// For how long nothing of an answer may come once something did. Longer than a publisher is silent about a request that
/// waits, and than the largest events take on slow lines.
pub(super) const STALLED: Duration = Duration::from_secs(12);

/// For how long a publisher may send nothing at all on the way of answers before the topics that are behind are given up and
/// reported: four requests (2, 4, 8, 16 s), or three after an answer that stopped (12, 4, 8 s).
pub(super) const GIVE_UP: Duration = Duration::from_secs(30);

/// For how long one topic may be behind without progress of its own while others have some, or while the publisher is busy:
/// a thousand agents that each read 8 MiB over 100 Mbit/s are done in 670 s.
pub(super) const LONGEST_RECOVERY: Duration = Duration::from_secs(900);

/// Answers in a row that may bring a topic no further.
pub(super) const MAX_FUTILE: u32 = 8;

/// When a topic that was given up for want of an answer is asked for again, as a whole; it doubles up to
/// [`LONGEST_REPAIR`]. Half of it is jitter.
pub(super) const FIRST_REPAIR: Duration = Duration::from_secs(30);

pub(super) const LONGEST_REPAIR: Duration = Duration::from_secs(600);
