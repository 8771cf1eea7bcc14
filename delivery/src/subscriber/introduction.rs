use pubsub_api::Capabilities;

/// How a subscriber learns which publishers there are, and what it can expect of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Introduction {
    /// Each publisher sends `$hello` over the link to it. It is followed from then on, accepts requests, and is live or stale
    /// by itself.
    ByHello,
    /// Publishers are on a broker: each is followed from its first stamped event or mark, and accepts no requests. Live and
    /// stale are states of the one link to the broker.
    ByBroker,
}

impl Introduction {
    /// The introduction of a driver with these capabilities.
    pub(super) fn of(capabilities: &Capabilities) -> Self {
        if capabilities.broker { Self::ByBroker } else { Self::ByHello }
    }
}
