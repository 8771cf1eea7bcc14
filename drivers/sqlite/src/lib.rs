//! The northbound database in a file of this host: `sqlite_nb_db_driver`, for one host without a database server.
//!
//! Processes of the host that name the same file see each other's rows; SQLite is compiled in, so there is nothing to
//! install. Every call is one transaction: it takes effect completely, or not at all and returns an error.
//!
//! - Calls run on two threads of their own, one for writes and one for reads, each with one connection: the runtime is never
//!   blocked, and reads continue while another process writes.
//! - If the file is locked, a call waits for `busy_timeout`, including the wait for its turn in this process. Then it fails
//!   as [`Unavailable`](pubsub_api::ErrorKind::Unavailable), and nothing was done.
//! - A full disk is `Unavailable`, and nothing was done. After an I/O error a write is
//!   [`InDoubt`](pubsub_api::ErrorKind::InDoubt).
//! - A file that is not a database, belongs to another program or has a newer version is refused and not changed.
//! - If the file is moved or removed while it is open, calls fail as `Unavailable` until it is back in its place: no other
//!   program would find what is written elsewhere. Stop all programs that use it before you put another file there.
//! - It must not be carried across `fork`: calls in a child fail if its parent has initialized the database. Create it before
//!   `fork`, and initialize it after.
//!
//! # What survives
//!
//! Everything that was answered with `Ok` survives any end of the processes: the file is in WAL mode with
//! `synchronous = NORMAL`, which writes to the kernel at once and syncs to the disk at checkpoints. If the host itself fails
//! (power, kernel), the writes since the last checkpoint may be missing; the database is consistent, in its earlier state
//! (<https://www.sqlite.org/pragma.html#pragma_synchronous>). A sync for each write would make it wait for the disk,
//! milliseconds instead of microseconds, for rows that their authors write again after a comparison. Unique numbers are not
//! written again and must not be allocated twice: they are synced (`FULL`) before they are returned, together with all
//! earlier writes.
//!
//! # Example
//!
//! ```
//! use drivers_sqlite as _;
//! use pubsub_api::database::{RowName, Write};
//! use pubsub_api::settings::PubSub;
//! use settings::Sources;
//! use pubsub_api::{ErrorKind, Registry};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let folder = tempfile::tempdir()?;
//! let registry = Registry::collect()?;
//! let sets = vec![format!("state_dir={}", folder.path().display())];
//! let (settings, _) = settings::load(&Sources { sets, ..Sources::default() }, &[PubSub::TABLE], &registry.settings())?;
//!
//! let database = registry.open_database("sqlite_nb_db_driver", &settings)?;
//! database.initialize().await?;
//! let port = RowName::new("lport", "port-1").on("tenant-1");
//! database.create_key(port, r#"{"version": 1}"#.into(), false).await?;
//! database.write_batch(&[Write::Put(port, r#"{"version": 2}"#.into())]).await?;
//! assert_eq!(database.allocate_unique_key("lport").await?, 1);
//! database.close().await?;
//!
//! // Another process, or the same one later:
//! let database = registry.open_database("sqlite_nb_db_driver", &settings)?;
//! database.initialize().await?;
//! assert_eq!(database.get_key(RowName::new("lport", "port-1")).await?, r#"{"version": 2}"#);
//! assert_eq!(database.allocate_unique_key("lport").await?, 2);
//! let missing = database.get_key(RowName::new("lport", "port-2")).await;
//! assert!(missing.is_err_and(|error| error.kind() == ErrorKind::NotFound));
//! database.close().await?;
//! assert!(folder.path().join("northbound.sqlite").exists());
//! # Ok(())
//! # }
//! ```

mod database;
mod settings;
mod threads;
mod worker;

mod file;
mod identity;
mod schema;

mod owned_row;
mod rows;

mod call_error;

use std::sync::Arc;

use pubsub_api::Result;
use pubsub_api::database::{DatabaseCapabilities, DatabaseDriver, DbApi};
use pubsub_api::settings::Settings;

use crate::settings::SqliteSettings;
use database::SqliteDatabase;

pub use crate::settings::SETTINGS;

/// What `sqlite_nb_db_driver` promises.
pub const CAPABILITIES: DatabaseCapabilities = DatabaseCapabilities {
    across_processes: true,
    persistent: true,
    atomic_batches: true,
    watch: true,
    limits: &[
        "One host only, and its own disk: WAL mode does not work over network file systems.",
        "If the host itself fails, the latest writes may be lost; the database stays consistent, and no unique number is \
         allocated twice.",
        "One write at a time, over all processes.",
        "No authentication: every user that can write the file can change everything.",
    ],
    ..DatabaseCapabilities::NONE
};

inventory::submit! {
    DatabaseDriver {
        alias: "sqlite_nb_db_driver",
        summary: "an SQLite file, for the processes of one host",
        capabilities: CAPABILITIES,
        settings: SETTINGS,
        open,
    }
}

fn open(settings: &Settings) -> Result<Arc<dyn DbApi>> {
    Ok(Arc::new(SqliteDatabase::new(SqliteSettings::read(settings)?)))
}
