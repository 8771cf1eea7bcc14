use serde::{Deserialize, Serialize};

use crate::{LatencyReading, NamedReading};

/// The status of a running part: counters by cause, queues with their bounds, peers, and who was refused.
///
/// `skimmer status` shows it. Names are stable.
///
/// A status is a copy: it does not change after it was read. Its parts are read one after the other, so two counters of
/// one status may differ by the events that arrived between the two readings.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// The counters, since the start.
    pub counters: Vec<CounterReading>,
    /// The queues and their fill.
    pub queues: Vec<QueueReading>,
    /// The peers.
    pub peers: Vec<PeerReading>,
    /// Who was refused lately, and why.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refusals: Vec<RefusalReading>,
    /// Counters by topic or table.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub named: Vec<NamedReading>,
    /// How long events were on their way.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub latencies: Vec<LatencyReading>,
}

impl Status {
    /// Adds the status of another part.
    ///
    /// Nothing is added up: counters of the same name stand side by side, and [`counter`](Self::counter) returns their
    /// sum.
    ///
    /// ```
    /// use status::{Counter, Status};
    ///
    /// let sent = Counter::new("events_sent");
    /// sent.add(2);
    /// let part = Status { counters: vec![sent.read()], ..Status::default() };
    /// let mut whole = part.clone();
    /// whole.merge(part);
    /// assert_eq!(whole.counter("events_sent", None), 4);
    /// ```
    pub fn merge(&mut self, other: Self) {
        self.counters.extend(other.counters);
        self.queues.extend(other.queues);
        self.peers.extend(other.peers);
        self.refusals.extend(other.refusals);
        self.named.extend(other.named);
        self.latencies.extend(other.latencies);
    }

    /// Returns the value of one counter, or 0 if it does not exist.
    ///
    /// With `None` it returns only counters that have no cause, not the sum of all causes.
    #[must_use]
    pub fn counter(&self, name: &str, cause: Option<&str>) -> u64 {
        let of_name = self.counters.iter().filter(|counter| counter.name == name);
        of_name.filter(|counter| counter.cause.as_deref() == cause).map(|counter| counter.value).sum()
    }
}

/// The value of a counter at one time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CounterReading {
    /// The name of the counter, such as `events_dropped`.
    pub name: String,
    /// The cause, in one word such as `too_big`; `None` for a counter that does not distinguish causes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// The value so far.
    pub value: u64,
}

/// The state of a queue at one time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueueReading {
    /// The name of the queue.
    pub name: String,
    /// The current fill, in `unit`. It may exceed `bound` for a moment where an item that is larger than the bound
    /// is accepted alone.
    pub depth: u64,
    /// The capacity, in `unit`.
    pub bound: u64,
    /// `events`, `bytes` or `connections`.
    pub unit: String,
    /// What happens when it is full, as text for an operator: which items are dropped, or which side waits.
    pub when_full: String,
}

impl QueueReading {
    /// A reading with `(depth, bound)` in `unit`.
    ///
    /// Where an item that is larger than the bound is accepted alone, the caller decides whether the depth may exceed the
    /// bound for a moment.
    ///
    /// ```
    /// use status::QueueReading;
    ///
    /// let waiting = vec!["first", "second"];
    /// let reading = QueueReading::new("outbox", "events", (waiting.len(), 1000), "send waits for send_timeout");
    /// assert_eq!((reading.depth, reading.bound), (2, 1000));
    /// ```
    pub fn new<N: TryInto<u64>>(
        name: &str,
        unit: &str,
        (depth, bound): (N, N),
        when_full: impl Into<String>,
    ) -> Self {
        let number = |count: N| count.try_into().unwrap_or(u64::MAX);
        let (depth, bound) = (number(depth), number(bound));
        Self { name: name.to_owned(), depth, bound, unit: unit.to_owned(), when_full: when_full.into() }
    }
}

/// The state of a peer at one time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeerReading {
    /// Its endpoint.
    pub endpoint: String,
    /// The state of the link in one word: `connecting`, `up`, `subscribed` …
    pub state: String,
}

/// The refusals of one peer for one cause.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusalReading {
    /// The cause, in one word such as `curve_key_refused`: the cause of a counter.
    pub cause: String,
    /// The refused peer: its address, process or key.
    pub who: String,
    /// What was refused last, and why.
    pub reason: String,
    /// The number of refusals since the entry was made.
    pub times: u64,
    /// The time since the last one, in seconds.
    pub seconds_ago: u64,
}
