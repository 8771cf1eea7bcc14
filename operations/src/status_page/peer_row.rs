use serde::Serialize;

/// What the status page shows of one peer: of an agent, or of a publisher.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PeerRow {
    /// Distinguishes it from all other peers of the list.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Where it connected from; empty if that is its name.
    pub address: String,
    /// Its version; empty if it is not known.
    pub version: String,
    /// Its state in one word, such as `live`, `recovering` or `silent`.
    pub state: String,
    /// Whether an operator should look at it.
    pub condition: PeerCondition,
    /// The number of events that it has not applied; 0 for a publisher.
    pub lag_events: u64,
    /// How long it has not applied some event, in seconds.
    pub lag_seconds: u64,
    /// The time since it was heard from, in seconds; 0 up to 10 s, since a peer may be quiet for that long.
    pub quiet_seconds: u64,
    /// The last error of its handlers.
    pub last_error: Option<String>,
}

/// Whether an operator should look at a peer. The greatest is the worst.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PeerCondition {
    /// It receives and applies what is published.
    Fine,
    /// It is behind.
    Slow,
    /// A handler of it failed within the last five minutes.
    Failing,
    /// It does not receive what is published, or nobody knows.
    Stale,
}

impl PeerCondition {
    /// All, from the best to the worst.
    pub(crate) const ALL: [Self; 4] = [Self::Fine, Self::Slow, Self::Failing, Self::Stale];

    /// The condition of a stream in this state at a subscriber.
    ///
    /// ```
    /// use operations::PeerCondition;
    ///
    /// assert_eq!(PeerCondition::of_stream("live"), PeerCondition::Fine);
    /// assert_eq!(PeerCondition::of_stream("recovering"), PeerCondition::Slow);
    /// assert_eq!(PeerCondition::of_stream("stale"), PeerCondition::Stale);
    /// ```
    #[must_use]
    pub fn of_stream(state: &str) -> Self {
        match state {
            "live" => Self::Fine,
            "proving" | "recovering" => Self::Slow,
            _ => Self::Stale,
        }
    }
}
