use std::fmt;

/// The state of another node, as this one sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PeerState {
    /// It is known, and has not yet been up.
    Joining,
    /// Both nodes hear each other.
    Up,
    /// It was up, and is silent or does not hear this node.
    Suspect,
    /// It has been suspect for too long: what it offered is gone. It may come back.
    Down,
    /// It said goodbye, or was replaced by another start of the same node: this instance never comes back.
    Left,
}

impl PeerState {
    /// Returns whether what the node offers counts: it is [`Up`](Self::Up) or [`Suspect`](Self::Suspect).
    #[must_use]
    pub fn is_member(self) -> bool {
        matches!(self, Self::Up | Self::Suspect)
    }

    /// Returns the name of the state in snake case.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Joining => "joining",
            Self::Up => "up",
            Self::Suspect => "suspect",
            Self::Down => "down",
            Self::Left => "left",
        }
    }
}

impl fmt::Display for PeerState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
