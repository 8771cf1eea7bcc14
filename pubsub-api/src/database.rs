//! The contract of the northbound database: rows of tables, each with a key and an optional topic
//! (docs/dragonflow.md#api).
//!
//! A driver implements [`DbApi`] and submits a [`DatabaseDriver`]; the setting `nb_db_class` selects it by its alias. A
//! value is bytes here; its author defines the format (Dragonflow's models write JSON).
//!
//! ```
//! use bytes::Bytes;
//! use pubsub_api::database::{DbApi, RowName, Write};
//! use pubsub_api::{ErrorKind, Result};
//!
//! /// Adds a port to a table, unless it exists, and removes another one.
//! async fn replace_port(database: &dyn DbApi, new: &str, old: &str) -> Result<()> {
//!     let port = RowName::new("lport", new).on("tenant-1");
//!     match database.create_key(port, Bytes::from_static(b"{}"), false).await {
//!         Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
//!         created => created?,
//!     }
//!     let old = RowName::new("lport", old).on("tenant-1");
//!     database.write_batch(&[Write::Delete(old)]).await
//! }
//! ```

mod capabilities;
mod db_api;
mod driver;
mod row;
mod unique_key;
mod watch;

pub use capabilities::DatabaseCapabilities;
pub use db_api::DbApi;
pub use driver::DatabaseDriver;
pub use row::{
    Entry, MAX_KEY_BYTES, MAX_TABLE_BYTES, MAX_VALUE_BYTES, RowName, RowPlace, Write, check_table,
    check_topic, check_value,
};
pub use unique_key::{UNIQUE_KEY_TABLE, next_unique_key};
pub use watch::Watch;
