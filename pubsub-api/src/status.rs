use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Deserialize, Serialize};

/// What can be read of a running part: counters by cause, queues with their bounds, peers.
///
/// This is what `skimmer status` shows; names are stable, times are not in it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// What was counted since the start.
    pub counters: Vec<CounterReading>,
    /// How full each queue is.
    pub queues: Vec<QueueReading>,
    /// Who is on the other end.
    pub peers: Vec<PeerReading>,
}

impl Status {
    /// Adds what another part reads.
    pub fn merge(&mut self, other: Self) {
        self.counters.extend(other.counters);
        self.queues.extend(other.queues);
        self.peers.extend(other.peers);
    }

    /// The reading of one counter, 0 if it is not there.
    #[must_use]
    pub fn counter(&self, name: &str, cause: Option<&str>) -> u64 {
        let of_name = self.counters.iter().filter(|counter| counter.name == name);
        of_name.filter(|counter| counter.cause.as_deref() == cause).map(|counter| counter.value).sum()
    }
}

/// A counter as it was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CounterReading {
    /// What is counted, such as `events_dropped`.
    pub name: String,
    /// Why, where there are several reasons.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// How often so far.
    pub value: u64,
}

/// A queue as it was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueueReading {
    /// Which queue.
    pub name: String,
    /// How much is in it now.
    pub depth: u64,
    /// How much fits.
    pub bound: u64,
    /// `events`, `bytes` or `connections`.
    pub unit: String,
    /// What happens when it is full, in words.
    pub when_full: String,
}

/// A peer as it was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeerReading {
    /// Its endpoint.
    pub endpoint: String,
    /// `connecting`, `up`, `subscribed` …
    pub state: String,
}

/// Something that only ever counts up.
///
/// ```
/// use pubsub_api::Counter;
///
/// static DROPPED: Counter = Counter::with_cause("events_dropped", "too_big");
/// DROPPED.add(1);
/// assert_eq!(DROPPED.read().value, 1);
/// ```
#[derive(Debug)]
pub struct Counter {
    name: &'static str,
    cause: Option<&'static str>,
    value: AtomicU64,
}

impl Counter {
    /// A counter at 0.
    #[must_use]
    pub const fn new(name: &'static str) -> Self {
        Self { name, cause: None, value: AtomicU64::new(0) }
    }

    /// One of several counters of a name, told apart by cause.
    #[must_use]
    pub const fn with_cause(name: &'static str, cause: &'static str) -> Self {
        Self { name, cause: Some(cause), value: AtomicU64::new(0) }
    }

    /// Counts `more`.
    pub fn add(&self, more: u64) {
        self.value.fetch_add(more, Ordering::Relaxed);
    }

    /// How much was counted.
    #[must_use]
    pub fn get(&self) -> u64 {
        self.value.load(Ordering::Relaxed)
    }

    /// The counter with its name.
    #[must_use]
    pub fn read(&self) -> CounterReading {
        CounterReading { name: self.name.to_owned(), cause: self.cause.map(str::to_owned), value: self.get() }
    }
}
