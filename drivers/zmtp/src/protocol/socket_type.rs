/// The socket types that have business with us (RFC 37, "The Socket-Type Property").
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SocketType {
    /// Publishes.
    Pub,
    /// Publishes, and shows its application the subscriptions; on the wire a PUB.
    Xpub,
    /// Subscribes.
    Sub,
    /// Subscribes, by messages of its application; on the wire a SUB.
    Xsub,
    /// Sends to one of its peers.
    Push,
    /// Receives from all of its peers.
    Pull,
    /// Sends, and receives answers.
    Dealer,
    /// Receives, and answers.
    Router,
}

impl SocketType {
    const ALL: [Self; 8] =
        [Self::Pub, Self::Xpub, Self::Sub, Self::Xsub, Self::Push, Self::Pull, Self::Dealer, Self::Router];

    /// The name on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pub => "PUB",
            Self::Xpub => "XPUB",
            Self::Sub => "SUB",
            Self::Xsub => "XSUB",
            Self::Push => "PUSH",
            Self::Pull => "PULL",
            Self::Dealer => "DEALER",
            Self::Router => "ROUTER",
        }
    }

    /// The type of a name; `None` for one that has no business with us.
    #[must_use]
    pub fn from_name(name: &[u8]) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.as_str().as_bytes() == name)
    }

    /// As what a listener meets a peer of this type: one socket serves SUB, PUSH and DEALER, each by its counterpart
    /// (docs/design.md#wire-format). `None` for a type that does not connect to us.
    #[must_use]
    pub fn counterpart(self) -> Option<Self> {
        match self {
            Self::Sub | Self::Xsub => Some(Self::Pub),
            Self::Push => Some(Self::Pull),
            Self::Dealer => Some(Self::Router),
            Self::Pub | Self::Xpub | Self::Pull | Self::Router => None,
        }
    }

    /// Whether a connector of this type may talk to a listener of that type.
    #[must_use]
    pub fn may_meet(self, listener: Self) -> bool {
        match self {
            Self::Sub | Self::Xsub => matches!(listener, Self::Pub | Self::Xpub),
            Self::Push => listener == Self::Pull,
            Self::Dealer => matches!(listener, Self::Router | Self::Dealer),
            Self::Pub | Self::Xpub | Self::Pull | Self::Router => false,
        }
    }
}
