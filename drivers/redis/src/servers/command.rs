use redis::{Arg, Cmd};

/// A command about one key.
///
/// It has no `Debug`: its arguments are a caller's values.
pub(crate) struct Command {
    pub(super) cmd: Cmd,
    /// The slot of its key, which determines the cluster node.
    pub(super) slot: u16,
    /// Whether it may have changed something although no answer came.
    pub(super) writes: bool,
}

impl Command {
    /// A command that may be repeated because it changes nothing.
    pub(crate) fn reading(slot: u16, cmd: Cmd) -> Self {
        Self { cmd, slot, writes: false }
    }

    /// A command that is sent once, and repeated only if it was not done.
    pub(crate) fn writing(slot: u16, cmd: Cmd) -> Self {
        Self { cmd, slot, writes: true }
    }

    /// The number of bytes to send.
    pub(super) fn bytes(&self) -> usize {
        let length = |arg: Arg<&[u8]>| if let Arg::Simple(bytes) = arg { bytes.len() } else { 0 };
        self.cmd.args_iter().map(length).sum()
    }
}
