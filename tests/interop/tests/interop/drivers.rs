use end_to_end::Folder;

/// The two ZMTP engines of this workspace: each has a driver for either hop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Drivers {
    /// Our own engine: the defaults.
    Zmtp,
    /// The reference drivers, on the `zeromq` crate.
    Zeromq,
}

impl Drivers {
    pub(crate) const ALL: [Self; 2] = [Self::Zmtp, Self::Zeromq];

    /// As the names of tests begin.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Zmtp => "zmtp",
            Self::Zeromq => "zeromq",
        }
    }

    /// The alias for the network hop.
    pub(crate) const fn network(self) -> &'static str {
        match self {
            Self::Zmtp => "zmtp_pubsub_driver",
            Self::Zeromq => "zmq_pubsub_driver",
        }
    }

    /// The alias for the IPC hop.
    pub(crate) const fn multiproc(self) -> &'static str {
        match self {
            Self::Zmtp => "zmtp_pubsub_multiproc_driver",
            Self::Zeromq => "zmq_pubsub_multiproc_driver",
        }
    }

    /// Whether a publisher sees its subscribers, according to the capabilities.
    pub(crate) const fn sees_subscribers(self) -> bool {
        matches!(self, Self::Zmtp)
    }

    /// An installation whose programs use these drivers on both hops.
    pub(crate) fn folder(self) -> Folder {
        self.folder_with("")
    }

    /// As [`folder`](Self::folder), with `more` lines of settings.
    ///
    /// Where they name no time, a peer is dead after 10 s: a libzmq reader whose queue is full (1,000 events) reads
    /// nothing, no PING either, and on a busy machine it may be so for longer than the usual 3 s.
    pub(crate) fn folder_with(self, more: &str) -> Folder {
        let (network, multiproc) = (self.network(), self.multiproc());
        let patience = if more.contains("dead_after") { "" } else { "dead_after = \"10s\"\n" };
        Folder::with_settings(&format!(
            "pub_sub_driver = {network:?}\npub_sub_multiproc_driver = {multiproc:?}\n{patience}{more}"
        ))
    }
}
