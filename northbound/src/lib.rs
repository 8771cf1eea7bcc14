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
