use std::collections::BTreeSet;

/// A publisher, as a subscriber on this host finds it.
#[derive(Debug, Clone, Default)]
pub(crate) struct PublisherFact {
    /// Its address, such as `tcp://10.0.0.5:8866`.
    pub(crate) endpoint: String,
    /// Whether `publishers_ips` names it.
    pub(crate) in_settings: bool,
    /// The ids under which the directory lists this address.
    pub(crate) listed_as: Vec<String>,
    /// Whether it is the service of this host.
    pub(crate) is_own: bool,
    /// Why its name cannot be resolved.
    pub(crate) unresolved: Option<String>,
    /// Why no TCP connection can be made.
    pub(crate) unconnected: Option<String>,
    pub(crate) greeted: Greeted,
    /// Why this host cannot subscribe, whatever the publisher does: it has no key.
    pub(crate) not_asked: Option<String>,
    /// The causes for which the driver refused the peer, or was refused by it.
    pub(crate) refusals: Vec<String>,
    pub(crate) hello: Option<HelloFact>,
    /// The topics of the settings on which it has published.
    pub(crate) known_topics: BTreeSet<String>,
    /// The subscriptions that it refuses, each with the reason.
    pub(crate) refused_topics: Vec<String>,
    pub(crate) requested: Requested,
    /// By how many milliseconds its clock is ahead of ours, and how far that may be off.
    pub(crate) clock_ahead_ms: Option<(i64, i64)>,
}

/// What came first over a new connection.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) enum Greeted {
    /// Nothing was asked: there was no connection, or the driver has no greeting.
    #[default]
    NotAsked,
    /// A greeting of ZMTP 3 with our mechanism.
    AsWanted,
    /// A greeting with another mechanism.
    OtherMechanism(String),
    /// Something that is no greeting, in words.
    Foreign(String),
    /// Nothing, within the time.
    Nothing,
    /// The end of the connection.
    End,
}

/// What a publisher says of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct HelloFact {
    pub(crate) id: String,
    pub(crate) epoch: Option<u64>,
    pub(crate) takes_reports: bool,
    pub(crate) release: Option<String>,
    pub(crate) event_bytes: Option<u64>,
}

/// The connection for requests.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Requested {
    #[default]
    NotAsked,
    Answered,
    /// The publisher carries no requests.
    Unsupported,
    /// No reply within the time.
    Silent,
}

impl PublisherFact {
    pub(crate) fn at(endpoint: &str) -> Self {
        Self { endpoint: endpoint.to_owned(), ..Self::default() }
    }

    /// Whether a TCP connection was made.
    pub(crate) fn is_connected(&self) -> bool {
        self.unresolved.is_none() && self.unconnected.is_none()
    }

    /// Host and port, without the transport.
    pub(crate) fn address(&self) -> &str {
        self.endpoint.split_once("://").map_or(self.endpoint.as_str(), |(_, address)| address)
    }
}
