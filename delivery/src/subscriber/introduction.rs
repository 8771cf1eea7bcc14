use pubsub_api::Capabilities;

/// How a subscriber learns which publishers there are, and what it can expect of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Introduction {
    /// Each publisher says `$hello` over the link to it. It is followed from then on, can be requested to send what is missing,
    /// and is live or stale by itself.
    ByHello,
    /// A broker is between: a publisher is followed from its first stamped event or mark, and receives no requests. Live and
    /// stale are states of the one link to the broker.
    ByBroker,
}

impl Introduction {
    /// As a driver of these capabilities has it.
    pub(super) fn of(capabilities: &Capabilities) -> Self {
        if capabilities.broker { Self::ByBroker } else { Self::ByHello }
    }
}
