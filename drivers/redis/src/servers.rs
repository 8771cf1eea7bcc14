//! The servers of the settings: a standalone one, or the nodes of a cluster.
//!
//! A caller passes [`Command`]s and receives their answers, even if slots move between servers meanwhile.

mod announced;
mod announced_master;
mod attempts;
mod cluster_node;
mod command;
mod counters;
mod coverage;
mod credentials;
mod dial;
mod discovery;
mod endpoint;
mod eviction;
mod handshake_failure;
pub(crate) mod info;
mod link;
mod login;
mod map;
mod mode;
mod refresh;
mod refused;
mod reply;
mod report;
mod role;
mod round;
mod run;
mod scan;
mod secret_file;
mod server;
mod slot;
mod slot_view;
mod stream;
mod tls;
mod visit;
mod watch;

use std::sync::Arc;
use std::time::Duration;

use pubsub_api::Status;
use tokio::sync::Mutex;
use tokio::time::Instant;

pub(crate) use command::Command;
use counters::Counters;
pub(crate) use credentials::Credentials;
pub(crate) use dial::dial;
pub(crate) use endpoint::Endpoint;
pub(crate) use login::Login;
use map::SlotMap;
pub(crate) use mode::{Mode, sentinel_refused};
pub(crate) use refused::refused;
pub(crate) use role::Role;
pub(crate) use scan::Scan;
use server::{Limits, Server};
pub(crate) use slot::slot_of;
pub(crate) use stream::Stream;
pub(crate) use watch::Watch;

/// All servers, and the slots that each serves.
#[derive(Debug)]
pub(crate) struct Servers {
    credentials: Credentials,
    /// Time limit of a call.
    timeout: Duration,
    /// The servers of the settings.
    seeds: Vec<Arc<Server>>,
    /// Whether they are the nodes of a cluster.
    clustered: bool,
    map: SlotMap,
    refreshing: Mutex<()>,
    counters: Counters,
}

impl Servers {
    /// The part of a call's time that one unresponsive server may use while others could answer.
    const ATTEMPT_SHARE: u32 = 4;

    /// Time limit of one attempt at one server.
    fn attempt(&self) -> Duration {
        self.timeout / Self::ATTEMPT_SHARE
    }

    /// The limits of a request that starts now.
    fn limits(&self) -> Limits {
        Limits { deadline: Instant::now() + self.timeout, connect: self.attempt(), silence: self.timeout }
    }

    /// Whether they are the nodes of a cluster.
    pub(crate) fn is_clustered(&self) -> bool {
        self.clustered
    }

    /// The counters, and the connected servers.
    pub(crate) fn status(&self) -> Status {
        let peers = self.map.known().iter().map(|server| server.reading()).collect();
        Status { counters: self.counters.read(), peers, ..Status::default() }
    }
}
