//! The servers behind the settings: one alone, or the nodes of a cluster.
//!
//! A caller hands over [`Command`]s and gets their answers, whichever servers they were at in the meantime.

mod announced;
mod announced_master;
mod cluster_node;
mod command;
mod counters;
mod coverage;
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
mod refusal;
mod refused;
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

/// All servers, and which of them serves what.
#[derive(Debug)]
pub(crate) struct Servers {
    login: Login,
    /// How long a call waits.
    timeout: Duration,
    /// Those that the settings name.
    seeds: Vec<Arc<Server>>,
    /// Whether they are a cluster's nodes.
    clustered: bool,
    map: SlotMap,
    refreshing: Mutex<()>,
    counters: Counters,
}

impl Servers {
    /// What share of a call's time may be spent in vain on one server while others may answer instead.
    const ATTEMPT_SHARE: u32 = 4;

    /// How long one attempt at one server may take.
    fn attempt(&self) -> Duration {
        self.timeout / Self::ATTEMPT_SHARE
    }

    /// The limits of a question that begins now.
    fn limits(&self) -> Limits {
        Limits { deadline: Instant::now() + self.timeout, connect: self.attempt(), silence: self.timeout }
    }

    /// Whether they are a cluster's nodes.
    pub(crate) fn is_clustered(&self) -> bool {
        self.clustered
    }

    /// What was counted, and which servers are connected.
    pub(crate) fn status(&self) -> Status {
        let peers = self.map.known().iter().map(|server| server.reading()).collect();
        Status { counters: self.counters.read(), queues: Vec::new(), peers }
    }
}
