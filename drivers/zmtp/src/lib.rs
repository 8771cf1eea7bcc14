//! The default drivers, on our own ZMTP engine: bounded, fast, and not harmed by what a peer does.
//!
//! `zmtp_pubsub_driver` publishes over TCP: [`PubPublisher`] binds and fans out, [`SubSubscriber`] connects to every
//! publisher. `zmtp_pubsub_multiproc_driver` collects over a Unix socket: [`PullSubscriber`] binds, [`PushPublisher`]
//! connects at its first send, and keeps each event until it is acknowledged. On the wire both are Dragonflow's
//! (docs/dragonflow.md#wire-format) and libzmq's: two frames, `[topic, map]`.
//!
//! # The rooms
//! - [`protocol`]: ZMTP without I/O, for all four ends.
//! - `publisher`: the ends that publish: `pub_` with the fan-out, `push` with the outbox.
//! - `subscriber`: the ends that receive: `sub` with a link for each publisher, `pull` with the intake.
//! - `request`: the request channel between a subscriber and a publisher, DEALER to ROUTER.
//! - `connect`: how the ends that connect reach a listener.
//! - `keys`: the files and settings with the keys of CURVE.
//! - `hop`: the control messages between a worker and its service.
//!
//! What it cannot promise is in [`NETWORK`] and [`MULTIPROC`], which `skimmer drivers` shows.
//!
//! # Example
//!
//! A worker keeps an event until the service acknowledges it:
//!
//! ```
//! use drivers_zmtp as _;
//! use pubsub_api::settings::PubSub;
//! use pubsub_api::{Action, Batch, Event, Registry, Role, SEND_ALL};
//! use settings::Sources;
//!
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let folder = tempfile::tempdir()?;
//! let registry = Registry::collect()?;
//! let sets = vec![format!("publisher_multiproc_socket={}/socket", folder.path().display())];
//! let (settings, _) = settings::load(&Sources { sets, ..Sources::default() }, &[PubSub::TABLE], &registry.settings())?;
//! let driver = registry.open(&settings, Role::Multiproc)?;
//! let (worker, service) = (driver.publisher(), driver.subscriber());
//! service.initialize().await?;
//!
//! worker.send_event(&Event::new("lport", "port-1", Action::Create, "{}", SEND_ALL)).await?;
//! let mut batch = Batch::new();
//! while batch.is_empty() {
//!     service.recv_batch(&mut batch).await?;
//! }
//! // … publishes the batch, and only then …
//! if let Some(acknowledger) = service.acknowledger() {
//!     for source in batch.sources() {
//!         acknowledger.acknowledge(source.peer, source.last());
//!     }
//! }
//! worker.flush().await?;
//! # Ok(())
//! # }
//! ```

pub mod protocol;

mod announced;
mod connect;
mod framing;
mod hop;
mod keys;
mod lost;
mod map_number;
mod network;
mod principal;
mod refused;
mod settings;
mod wall_clock;
mod wire;
mod worker_right;

mod publisher;
mod subscriber;

mod request;

use std::sync::Arc;

use pubsub_api::settings::Settings;
use pubsub_api::{Capabilities, Driver, PubSubEnds, Role};

pub use crate::settings::{SETTINGS, ZmtpSettings};
pub use keys::{
    CurveSettings, PinnedKeys, SecurityMechanism, read_authorized_file, read_key_file, write_key_file,
};
pub use network::Network;
pub use principal::Principal;
pub use publisher::{PubPublisher, PushPublisher};
pub use subscriber::{PullSubscriber, SubSubscriber};
pub use worker_right::WorkerRight;

/// What `zmtp_pubsub_driver` promises.
pub const NETWORK: Capabilities = Capabilities {
    across_processes: true,
    authenticated: true,
    bounded: true,
    isolated: true,
    replay: true,
    sees_subscribers: true,
    survives_hostile_peers: true,
    limits: &[
        "Peers are authenticated and traffic is encrypted with drivers.zmtp.mechanism = \"curve\"; with \"null\", the default, \
         neither is.",
        "A subscription is confirmed only by the next $hello; events published before it may be missed.",
        "Events published while a link is down are missed until they are requested; link_down and subscribed mark the \
         loss in the stream.",
        "A subscriber that is further behind than fanout_log_bytes misses events: ours receives their number (gap); a foreign \
         one is disconnected.",
    ],
    ..Capabilities::NONE
};

/// What `zmtp_pubsub_multiproc_driver` promises.
pub const MULTIPROC: Capabilities = Capabilities {
    across_processes: true,
    bounded: true,
    confirms_publish: true,
    survives_hostile_peers: true,
    limits: &[
        "An event that a service accepted and did not acknowledge before it died is sent again: it may arrive twice.",
        "What a worker holds unacknowledged when it is killed is lost with it.",
        "To a plain PULL, such as Dragonflow's own service: handed over, not confirmed; what was written and not yet \
         read by a service that dies is lost.",
    ],
    ..Capabilities::NONE
};

inventory::submit! {
    Driver {
        alias: "zmtp_pubsub_driver",
        roles: &[Role::Network],
        summary: "ZeroMQ PUB/SUB over TCP, on our own ZMTP engine: the default",
        capabilities: NETWORK,
        settings: SETTINGS,
        open: |settings, _| {
            let zmtp = ZmtpSettings::network(settings)?;
            Ok(Arc::new(PubSubEnds::new(PubPublisher::new(zmtp.clone()), SubSubscriber::new(zmtp))))
        },
    }
}

inventory::submit! {
    Driver {
        alias: "zmtp_pubsub_multiproc_driver",
        roles: &[Role::Multiproc],
        summary: "ZeroMQ DEALER/ROUTER or PUSH/PULL over a Unix socket, on our own ZMTP engine: the default",
        capabilities: MULTIPROC,
        settings: SETTINGS,
        open: |settings: &Settings, _| {
            let zmtp = ZmtpSettings::multiproc(settings)?;
            Ok(Arc::new(PubSubEnds::new(PushPublisher::new(zmtp.clone()), PullSubscriber::new(zmtp))))
        },
    }
}
