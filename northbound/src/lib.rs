//! The database side: an object is written to the northbound database, and then its change is published.
//!
//! [`Northbound`] is what API servers call (dragonflow-pubsub.md 7.1). A change that cannot be published is undone, unless
//! the [options](NorthboundOptions) leave it to a table monitor (seed 004, case 2): either way the caller learns of it.
//!
//! | what goes wrong | what is left |
//! |---|---|
//! | the database refuses the write | nothing: no row, no event, the database's error |
//! | it is not known whether the row was written | of a create: it is deleted again, if it is there; else maybe the row, no event, [`ErrorKind::InDoubt`](pubsub_api::ErrorKind) |
//! | the event is refused | the row as it was before, and the publisher's error |
//! | it is not known whether the event was taken | the row as before, and a second event that says so to whoever had the first |
//! | another writer had the row meanwhile | that writer's row: it is never put back over |
//!
//! [`Directory`] keeps a publisher's row in the database, by which subscribers find it (5.3). [`TableMonitor`] publishes
//! what others wrote there without publishing it (5.4). [`ServiceReport`] says there that a program is alive (5.5).

mod northbound;
mod object;
mod options;
mod published;
mod readings;

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

mod cause;

pub use directory::Directory;
pub use leases::Leases;
pub use northbound::{Northbound, Updated};
pub use object::Object;
pub use options::{NorthboundOptions, OnUnpublished};
pub use publisher_row::{PUBLISHER_TABLE, PublisherRow};
pub use service_report::ServiceReport;
pub use service_row::{SERVICE_TABLE, ServiceRow};
pub use stored_tables::stored_tables;
pub use table_monitor::TableMonitor;
