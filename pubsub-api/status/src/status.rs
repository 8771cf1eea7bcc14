use serde::{Deserialize, Serialize};

/// The status of a running part: counters by cause, queues with their bounds, peers.
///
/// `skimmer status` shows it. Names are stable; it contains no times.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// The counters, since the start.
    pub counters: Vec<CounterReading>,
    /// The queues and their fill.
    pub queues: Vec<QueueReading>,
    /// The peers.
    pub peers: Vec<PeerReading>,
}

impl Status {
    /// Adds the status of another part.
    pub fn merge(&mut self, other: Self) {
        self.counters.extend(other.counters);
        self.queues.extend(other.queues);
        self.peers.extend(other.peers);
    }

    /// Returns the value of one counter, or 0 if it does not exist.
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
    /// The cause, if there are several.
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
    /// The current fill.
    pub depth: u64,
    /// The capacity.
    pub bound: u64,
    /// `events`, `bytes` or `connections`.
    pub unit: String,
    /// What happens when it is full, as text.
    pub when_full: String,
}

/// The state of a peer at one time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeerReading {
    /// Its endpoint.
    pub endpoint: String,
    /// `connecting`, `up`, `subscribed` …
    pub state: String,
}
