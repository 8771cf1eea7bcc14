use delivery::subscriber::DeliveryMode;

/// The channels of a recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Channel {
    Events(DeliveryMode),
    Notices,
}

/// All channels; the position of one is its number in the file.
pub(crate) const CHANNELS: [Channel; 5] = [
    Channel::Events(DeliveryMode::Live),
    Channel::Events(DeliveryMode::Replay),
    Channel::Events(DeliveryMode::Snapshot),
    Channel::Events(DeliveryMode::Sync),
    Channel::Notices,
];

impl Channel {
    pub(crate) fn of(mode: DeliveryMode) -> Self {
        match mode {
            // Of a publisher without sequences: what matters is that it came in the stream.
            DeliveryMode::Unverified => Self::Events(DeliveryMode::Live),
            mode => Self::Events(mode),
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Events(mode) => mode.name().unwrap_or("live"),
            Self::Notices => "notices",
        }
    }

    pub(crate) fn encoding(self) -> &'static str {
        match self {
            Self::Events(_) => "msgpack",
            Self::Notices => "json",
        }
    }

    pub(crate) fn named(name: &str) -> Option<Self> {
        CHANNELS.into_iter().find(|channel| channel.name() == name)
    }
}
