//! The database side: an object is written to the northbound database, and then its change is published.
//!
//! [`Northbound`] is what API servers call (docs/dragonflow.md#writes-and-full-sync). A change that cannot be published is
//! undone, unless the [options](NorthboundOptions) leave it to a table monitor. In both cases the caller gets an error.
//!
//! | failure | result |
//! |---|---|
//! | the database refuses the write | no row, no event, the database's error |
//! | it is not known whether the row was written | a create is deleted again if its row exists; any other row may be written; no event, [`ErrorKind::InDoubt`](pubsub_api::ErrorKind) |
//! | the event is refused | the row as it was before, and the publisher's error |
//! | it is not known whether the event was accepted | the row as before, and a second event that reverts the first for its receivers |
//! | another writer changed the row meanwhile | that writer's row: it is never overwritten |
//!
//! [`Directory`] keeps a publisher's row in the database, where subscribers find it (5.3). [`TableMonitor`] publishes changes
//! that others wrote without publishing them (5.4). [`ServiceReport`] reports there that a program is alive (5.5).
//!
//! ```
//! use drivers_memory as _;
//! use northbound::{Northbound, NorthboundOptions, Object, Updated};
//! use pubsub_api::settings::PubSub;
//! use pubsub_api::{ErrorKind, Registry, Role};
//! use settings::Sources;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let registry = Registry::collect()?;
//! let sets = vec!["pub_sub_driver=memory_pubsub_driver".to_owned(), "publisher_port=0".to_owned()];
//! let (settings, _) = settings::load(&Sources { sets, ..Sources::default() }, &[PubSub::TABLE], &registry.settings())?;
//! let database = registry.open_database("memory_nb_db_driver", &settings)?;
//! let publisher = registry.open(&settings, Role::Network)?.publisher();
//! database.initialize().await?;
//! publisher.initialize().await?;
//!
//! let northbound = Northbound::new(database, publisher, NorthboundOptions::default());
//! let port = northbound.create(Object::parse("lport", br#"{"id": "port-1", "name": "eth0"}"#)?).await?;
//! assert_eq!(port.version(), Some(1));
//!
//! let changes = serde_json::Map::from_iter([("name".to_owned(), "eth1".into())]);
//! let updated = northbound.update(port.row(), &changes, Some(1)).await?;
//! assert!(matches!(updated, Updated::Changed(port) if port.version() == Some(2)));
//!
//! let error = northbound.delete(port.row(), Some(1)).await.unwrap_err();
//! assert_eq!(error.kind(), ErrorKind::Conflict, "the object has version 2 now: read it again");
//! # Ok(())
//! # }
//! ```

mod metrics;
mod northbound;
mod object;
mod options;
mod published;
mod settings;

mod directory;
mod leases;
mod publisher_row;

mod copy_file;
mod delete_guard;
mod table_copy;
mod table_monitor;

mod service_report;
mod service_row;

mod stored_tables;

pub use directory::Directory;
pub use leases::Leases;
pub use northbound::{Northbound, Updated};
pub use object::Object;
pub use options::{NorthboundOptions, OnUnpublished};
pub use publisher_row::{PUBLISHER_TABLE, PublisherRow};
pub use service_report::ServiceReport;
pub use service_row::{SERVICE_TABLE, ServiceRow};
pub use settings::DatabaseSettings;
pub use stored_tables::stored_tables;
pub use table_monitor::TableMonitor;
