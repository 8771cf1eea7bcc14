//! The drivers within one process, for tests and embedding: `memory_pubsub_driver`, for both hops, and the database
//! `memory_nb_db_driver`.
//!
//! Endpoints are names in a process-wide map: `memory://127.0.0.1:8866` for the network hop, from
//! `publisher_bind_address` and `publisher_port`; `memory:///run/skimmer.sock` for the multiproc hop, from
//! `publisher_multiproc_socket`, which creates no file. All users of the driver in one process with the same settings are
//! connected. The `send` that publishes an event puts it into the subscriber's queue: no tasks, no polling, no copies.
//!
//! | hop | a full queue |
//! |---|---|
//! | network | drops events for its subscriber only, which receives a [`Notice::Gap`](pubsub_api::Notice) in their place |
//! | multiproc | makes `send` wait for `send_timeout`, then fail as overloaded |
//!
//! ```
//! use std::sync::Arc;
//!
//! use drivers_memory as _;
//! use pubsub_api::settings::PubSub;
//! use settings::Sources;
//! use pubsub_api::{Action, Event, Incoming, Notice, Registry, Role, Topic};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> pubsub_api::Result<()> {
//! let registry = Registry::collect()?;
//! let sets = vec!["pub_sub_driver=memory_pubsub_driver".to_owned(), "publisher_port=0".to_owned()];
//! let (settings, _) = settings::load(&Sources { sets, ..Sources::default() }, &[PubSub::TABLE], &registry.settings())?;
//! let driver = registry.open(&settings, Role::Network)?;
//! let (publisher, subscriber) = (driver.publisher(), driver.subscriber());
//!
//! publisher.initialize().await?;
//! subscriber.register_listen_address(&publisher.endpoint().unwrap_or_default())?;
//! subscriber.register_topic(Topic::new("tenant-1")?.into())?;
//! subscriber.initialize().await?;
//! assert!(matches!(subscriber.recv().await?, Incoming::Notice(Notice::LinkUp { .. })));
//! assert!(matches!(subscriber.recv().await?, Incoming::Notice(Notice::Subscribed { .. })));
//!
//! let event = Event::new("lport", "port-1", Action::Create, "{}", Topic::new("tenant-1")?);
//! publisher.send_event(&event).await?;
//! assert!(matches!(subscriber.recv().await?, Incoming::Event(_)));
//! # Ok(())
//! # }
//! ```
//!
//! # The database
//!
//! Rows are in a process-wide map, under the name of the setting `drivers.memory.database`. Every call is atomic, and
//! rows stay until the process ends, even after `close`.
//!
//! ```
//! use drivers_memory as _;
//! use pubsub_api::database::RowName;
//! use pubsub_api::settings::PubSub;
//! use settings::Sources;
//! use pubsub_api::{ErrorKind, Registry};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> pubsub_api::Result<()> {
//! let registry = Registry::collect()?;
//! let settings = settings::load(&Sources::default(), &[PubSub::TABLE], &registry.settings())?.0;
//! let database = registry.open_database("memory_nb_db_driver", &settings)?;
//! database.initialize().await?;
//!
//! let row = RowName::new("lport", "port-1").on("tenant-1");
//! database.create_key(row, "{}".into(), false).await?;
//! assert_eq!(database.get_key(RowName::new("lport", "port-1")).await?, "{}");
//! let again = database.create_key(row, "{}".into(), false).await;
//! assert!(again.is_err_and(|error| error.kind() == ErrorKind::AlreadyExists));
//! # Ok(())
//! # }
//! ```
//!
//! # A slow subscriber
//!
//! Events that find the inbox full become a gap at their place; the publisher does not wait:
//!
//! ```
//! use drivers_memory as _;
//! use pubsub_api::settings::PubSub;
//! use pubsub_api::{Action, Event, Incoming, Notice, Registry, Role, SEND_ALL};
//! use settings::Sources;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> pubsub_api::Result<()> {
//! let registry = Registry::collect()?;
//! let sets = ["pub_sub_driver=memory_pubsub_driver", "publisher_port=0", "drivers.memory.queue_events=1"];
//! let sources = Sources { sets: sets.map(str::to_owned).to_vec(), ..Sources::default() };
//! let (settings, _) = settings::load(&sources, &[PubSub::TABLE], &registry.settings())?;
//! let driver = registry.open(&settings, Role::Network)?;
//! let (publisher, subscriber) = (driver.publisher(), driver.subscriber());
//! publisher.initialize().await?;
//! subscriber.register_listen_address(&publisher.endpoint().unwrap_or_default())?;
//! subscriber.register_topic(SEND_ALL.into())?;
//! subscriber.initialize().await?;
//!
//! for key in ["port-1", "port-2", "port-3"] {
//!     publisher.send_event(&Event::new("lport", key, Action::Create, "{}", SEND_ALL)).await?;
//! }
//! while !matches!(subscriber.recv().await?, Incoming::Event(_)) {} // the notices of the link, then port-1
//! assert!(matches!(subscriber.recv().await?, Incoming::Notice(Notice::Gap { events: 2, .. })));
//! # Ok(())
//! # }
//! ```

mod changes;
mod database;
mod endpoint;
mod fanout;
mod hub;
mod inbox;
mod lock;
mod multiproc_hub;
mod publisher;
mod replies;
mod reply_address;
mod request_link;
mod request_queue;
mod settings;
mod stream;
mod subscriber;

use std::sync::Arc;

use pubsub_api::settings::Settings;
use pubsub_api::{Capabilities, Driver, PubSubApi, PubSubEnds, Result, Role};

use crate::settings::MemorySettings;
use publisher::{MultiprocPublisher, NetworkPublisher};
use subscriber::{MultiprocSubscriber, NetworkSubscriber};

pub use crate::settings::SETTINGS;
pub use database::DATABASE_CAPABILITIES;

/// What `memory_pubsub_driver` promises, in both roles.
pub const CAPABILITIES: Capabilities = Capabilities {
    confirms_publish: true,
    confirms_subscribe: true,
    native_patterns: true,
    bounded: true,
    isolated: true,
    replay: true,
    limits: &[
        "Within one process only: events never reach another process, even on the same host.",
        "Confirmed means that the event is in the subscriber's queue, not that it was read; network events without a \
         subscriber are confirmed at once.",
        "No authentication: all code in the process can publish and subscribe.",
        "A subscriber that is not linked misses the events published meanwhile (network); it receives link_down before \
         and subscribed after them.",
    ],
    ..Capabilities::NONE
};

inventory::submit! {
    Driver {
        alias: "memory_pubsub_driver",
        roles: &[Role::Network, Role::Multiproc],
        summary: "queues within one process: for tests and embedding",
        capabilities: CAPABILITIES,
        settings: SETTINGS,
        open,
    }
}

fn open(settings: &Settings, role: Role) -> Result<Arc<dyn PubSubApi>> {
    let settings = MemorySettings::read(settings)?;
    Ok(Arc::new(match role {
        Role::Network => PubSubEnds::new(NetworkPublisher::new(&settings), NetworkSubscriber::new(&settings)),
        Role::Multiproc => {
            PubSubEnds::new(MultiprocPublisher::new(&settings), MultiprocSubscriber::new(&settings))
        }
    }))
}
