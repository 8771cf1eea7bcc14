//! The northbound database in a file of this host: `sqlite_nb_db_driver`, for one host without a database server.
//!
//! Processes of the host that name the same file see each other's rows; SQLite is compiled in, so there is nothing to
//! install. Every call is one transaction: done whole, or not at all and said so.
//!
//! - Calls run on two threads of their own, one for writes and one for reads, each with one connection: the runtime is never
//!   blocked, and reads go on while another process writes.
//! - Whoever finds the file locked waits for `busy_timeout`, its turn in this process included, and fails as
//!   [`Unavailable`](pubsub_api::ErrorKind::Unavailable) then; nothing was done.
//! - A full disk is `Unavailable`, and nothing was done. After an error of the device a write is
//!   [`InDoubt`](pubsub_api::ErrorKind::InDoubt).
//! - A file that is no database, or another program's, or of a newer version, is refused and not touched.
//! - A file that is moved or removed while it is open makes calls fail as `Unavailable` until it is back in its place:
//!   elsewhere nobody would find what is written. Stop all programs that use it before another one is put there.
//! - It must not be carried across `fork`: a child that calls what its parent has initialized is refused. Make it before
//!   `fork`, and initialize it behind.
//!
//! # What survives
//!
//! What was answered with `Ok` survives every end of the processes: the file is in WAL mode, with `synchronous = NORMAL`,
//! which gives it to the kernel at once and syncs it to the disk at checkpoints. If the host itself dies (power, kernel), the
//! latest writes since then may be missing; the database is whole, as it was a moment before
//! (<https://www.sqlite.org/pragma.html#pragma_synchronous>). A sync for each write would make it wait for the disk,
//! milliseconds instead of microseconds, for rows that their authors write again after a comparison. Unique numbers are not
//! written again by anybody, and must not be given twice: these are synced (`FULL`) before they are given, and whatever was
//! written before with them.
//!
//! # Example
//!
//! ```
//! use drivers_sqlite as _;
//! use pubsub_api::database::{RowName, Write};
//! use pubsub_api::settings::{Settings, Sources};
//! use pubsub_api::{ErrorKind, Registry};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let folder = tempfile::tempdir()?;
//! let registry = Registry::collect()?;
//! let sets = vec![format!("state_dir={}", folder.path().display())];
//! let (settings, _) = Settings::load(&Sources { sets, ..Sources::default() }, &registry.settings())?;
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

mod failure;

use std::sync::Arc;

use pubsub_api::Result;
use pubsub_api::database::{DatabaseCapabilities, DatabaseDriver, DbApi};
use pubsub_api::settings::Settings;

use database::SqliteDatabase;
use settings::SqliteSettings;

pub use settings::SETTINGS;

/// What `sqlite_nb_db_driver` promises.
pub const CAPABILITIES: DatabaseCapabilities = DatabaseCapabilities {
    across_processes: true,
    persistent: true,
    atomic_batches: true,
    watch: true,
    limits: &[
        "One host only, and its own disk: WAL mode does not work over network file systems.",
        "When the host itself dies, the latest writes may be lost; the database is whole, and no unique number is given \
         twice.",
        "One write at a time, all processes together.",
        "Whoever may write the file can change everything; nobody is authenticated.",
    ],
    ..DatabaseCapabilities::NONE
};

inventory::submit! {
    DatabaseDriver {
        alias: "sqlite_nb_db_driver",
        summary: "a file of SQLite, for the processes of one host",
        capabilities: CAPABILITIES,
        settings: SETTINGS,
        open,
    }
}

fn open(settings: &Settings) -> Result<Arc<dyn DbApi>> {
    Ok(Arc::new(SqliteDatabase::new(SqliteSettings::read(settings)?)))
}
