use std::time::Duration;

use pubsub_api::{Capabilities, MAX_TOPICS_PER_PUBLISHER};

use super::{BufferLimit, Introduction};

/// The time limits and bounds of a subscriber.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FeedOptions {
    /// How publishers become known.
    pub introduction: Introduction,
    /// Whether requests can be sent to publishers; never on a broker.
    pub asks: bool,
    /// The bound of the buffered events of one topic of one publisher.
    pub buffer: BufferLimit,
    /// The bound of all buffered events together, in bytes.
    pub buffers_bytes: usize,
    /// The largest snapshot, in bytes, that is accepted of a publisher that does not announce its size. An announced size is
    /// accepted: the publisher's `snapshot_bytes` bounds it.
    pub snapshot_bytes: usize,
    /// The most topics of one publisher that are tracked. If a publisher has more, events on the others are delivered
    /// unverified, and it is not live.
    pub max_topics: usize,
    /// The most publishers that are followed; events of other publishers are delivered unverified.
    pub max_publishers: usize,
    /// How late events may arrive before their publisher counts as stale; publishers that send no hello are not judged.
    pub max_delay: Duration,
    /// How long a topic whose publisher is silent is remembered.
    pub remembered: Duration,
    /// Seeds the jitter.
    pub seed: u64,
}

impl FeedOptions {
    /// The options for a driver with these capabilities.
    ///
    /// ```
    /// use delivery::subscriber::{FeedOptions, Introduction};
    /// use pubsub_api::Capabilities;
    ///
    /// let mesh = FeedOptions::of(&Capabilities { replay: true, ..Capabilities::NONE }, 1);
    /// assert_eq!((mesh.introduction, mesh.asks), (Introduction::ByHello, true));
    /// let broker = FeedOptions::of(&Capabilities { broker: true, ..Capabilities::NONE }, 1);
    /// assert_eq!((broker.introduction, broker.asks), (Introduction::ByBroker, false));
    /// ```
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

/// How long marks may take after a link is confirmed before unconfirmed topics are requested; up to twice as long, by jitter,
/// so that a thousand agents do not send requests at once.
pub(super) const PROOF: Duration = Duration::from_millis(500);

/// How long the marks of a publisher without requests may take: each topic has one every 10 s ± 20 %.
pub(super) const MARKS_OVERDUE: Duration = Duration::from_secs(15);

/// How long the first part of a reply may take; it doubles after each request without one, up to [`LONGEST_TIMEOUT`]. The
/// publisher reports a request that waits for its turn.
pub(super) const FIRST_TIMEOUT: Duration = Duration::from_secs(2);

pub(super) const LONGEST_TIMEOUT: Duration = Duration::from_secs(30);

/// How long a reply may pause once it has begun. Longer than the publisher's reports about a waiting request are apart, and
/// than the largest events take on slow lines.
pub(super) const STALLED: Duration = Duration::from_secs(12);

/// How long a publisher may send no part of a reply at all before the topics that are behind are given up and reported: four
/// requests (2, 4, 8, 16 s), or three after a reply that stopped (12, 4, 8 s).
pub(super) const GIVE_UP: Duration = Duration::from_secs(30);

/// How long one topic may be behind without progress while others make some, or while the publisher is busy: a thousand agents
/// that each read 8 MiB over 100 Mbit/s are done in 670 s.
pub(super) const LONGEST_RECOVERY: Duration = Duration::from_secs(900);

/// The most consecutive replies that bring a topic no further.
pub(super) const MAX_FUTILE: u32 = 8;

/// The most consecutive replies with an event that cannot be opened: a key may be on its way to this host.
pub(super) const MAX_UNOPENED: u32 = 3;

/// When a topic that was given up without a reply is requested again, as a whole; it doubles up to [`LONGEST_REPAIR`]. Half of
/// it is jitter.
pub(super) const FIRST_REPAIR: Duration = Duration::from_secs(30);

pub(super) const LONGEST_REPAIR: Duration = Duration::from_secs(600);
