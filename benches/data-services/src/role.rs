use clap::Subcommand;
use pubsub_api::Result;

use crate::calls::nats::{NatsCallee, NatsCaller};
use crate::calls::{Callee, Caller};
use crate::crash::Watcher;
use crate::join::Members;
use crate::tables::{Publisher, Subscribers};

/// What a process of this program plays in a run; the bench starts it.
#[derive(Debug, Subcommand)]
#[command(hide = true)]
pub(crate) enum Role {
    /// A node with a method
    Callee(Callee),
    /// A node that calls it
    Caller(Caller),
    /// A client of NATS that replies
    NatsCallee(NatsCallee),
    /// A client of NATS that requests
    NatsCaller(NatsCaller),
    /// A node that publishes a table
    Publisher(Publisher),
    /// Nodes that subscribe to it
    Subscribers(Subscribers),
    /// A node that subscribes to it, and reports every notice at once
    Watcher(Watcher),
    /// Nodes that start together
    Members(Members),
}

impl Role {
    pub(crate) async fn play(self) -> Result<()> {
        match self {
            Self::Callee(role) => role.play().await,
            Self::Caller(role) => role.play().await,
            Self::NatsCallee(role) => role.play().await,
            Self::NatsCaller(role) => role.play().await,
            Self::Publisher(role) => role.play().await,
            Self::Subscribers(role) => role.play().await,
            Self::Watcher(role) => role.play().await,
            Self::Members(role) => role.play().await,
        }
    }
}
