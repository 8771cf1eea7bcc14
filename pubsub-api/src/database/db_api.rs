use std::fmt::Debug;

use async_trait::async_trait;
use bytes::Bytes;

use super::{Entry, RowName, RowPlace, Watch, Write};
use crate::{Posture, Result, Status};

/// A northbound database, as an API server and the services around it use it.
///
/// - A row exists or does not exist. Its value is at most [`MAX_VALUE_BYTES`](super::MAX_VALUE_BYTES) bytes and is
///   returned unchanged.
/// - A topic is part of a row's place: one key on two topics is two rows. A call without a topic finds the one row of
///   that key; if there are several, the call is refused ([`ErrorKind::Invalid`](crate::ErrorKind::Invalid)) and does
///   nothing.
/// - `Ok` means done. If it is not known whether a write was done (the connection was lost before the answer), the
///   error is [`ErrorKind::InDoubt`](crate::ErrorKind::InDoubt); no call reports success for a write that was not
///   done (docs/dragonflow.md#d34).
/// - Tables need not be created. [`create_table`](Self::create_table) and [`delete_table`](Self::delete_table) are
///   idempotent.
/// - Every call but [`initialize`](Self::initialize) and [`close`](Self::close) fails with
///   [`ErrorKind::Unavailable`](crate::ErrorKind::Unavailable) before `initialize` and with
///   [`ErrorKind::Closed`](crate::ErrorKind::Closed) after `close`; a closed database stays closed. If a database
///   becomes unreachable, calls fail with `Unavailable` within the driver's own deadline, and succeed again when it is
///   reachable.
/// - Names that break the rules of [`RowName`], and values that are too large, are refused
///   ([`ErrorKind::Invalid`](crate::ErrorKind::Invalid)) before anything is done. A driver that states so in its
///   [limits](super::DatabaseCapabilities::limits) may refuse a topic with a closing brace, in every call
///   ([`ErrorKind::Unsupported`](crate::ErrorKind::Unsupported)): Dragonflow's keys in Redis cannot contain one.
///
/// # Cancel safety
/// If the future of a call is dropped, the call may or may not be done; it is never half done.
#[async_trait]
pub trait DbApi: Debug + Send + Sync {
    /// Opens the database. Idempotent; after an error it can be tried again.
    ///
    /// # Errors
    /// [`ErrorKind::Closed`](crate::ErrorKind::Closed) after [`close`](Self::close),
    /// [`ErrorKind::Unavailable`](crate::ErrorKind::Unavailable) if the database cannot be reached or opened,
    /// [`ErrorKind::Settings`](crate::ErrorKind::Settings) if the database refuses a setting (a password).
    async fn initialize(&self) -> Result<()>;

    /// Creates a table if it does not exist.
    ///
    /// # Errors
    /// As of the [trait](DbApi).
    async fn create_table(&self, table: &str) -> Result<()>;

    /// Deletes all rows of a table, of any topic, and the table. Rows that others write at the same time may stay.
    ///
    /// # Errors
    /// As of the [trait](DbApi).
    async fn delete_table(&self, table: &str) -> Result<()>;

    /// Returns the names of the tables, sorted: those that have rows, and maybe some that have none.
    ///
    /// # Errors
    /// As of the [trait](DbApi).
    async fn tables(&self) -> Result<Vec<String>>;

    /// Creates a row, without a topic if `row` names none.
    ///
    /// With `overwrite` it creates the row, or replaces its value, in one step. Topics are exact here: a row of the
    /// same key on another topic is another row.
    ///
    /// # Errors
    /// [`ErrorKind::AlreadyExists`](crate::ErrorKind::AlreadyExists) if the row exists and `overwrite` is false.
    async fn create_key(&self, row: RowName<'_>, value: Bytes, overwrite: bool) -> Result<()>;

    /// Changes a row.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) if the row does not exist.
    async fn set_key(&self, row: RowName<'_>, value: Bytes) -> Result<()>;

    /// Returns the value of a row.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) if the row does not exist.
    async fn get_key(&self, row: RowName<'_>) -> Result<Bytes>;

    /// Deletes a row.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) if the row does not exist.
    async fn delete_key(&self, row: RowName<'_>) -> Result<()>;

    /// Atomically replaces `expected` with `new` (`None`: no row). Returns whether it was replaced. The topic is exact:
    /// a name without a topic means the row that has none.
    ///
    /// With `expected` it is the way to change a row without overwriting another writer: read, change, compare and set,
    /// and start again if it returns `false`. `expected: None` creates a row that must not exist, `new: None` deletes
    /// it.
    ///
    /// # Errors
    /// As of the [trait](DbApi). A row with another value is not an error.
    ///
    /// ```
    /// use bytes::Bytes;
    /// use pubsub_api::Result;
    /// use pubsub_api::database::{DbApi, RowName};
    ///
    /// /// Appends a line to a row, whatever other writers do meanwhile. `row` names the topic, if the row has one.
    /// async fn append(database: &dyn DbApi, row: RowName<'_>, line: &str) -> Result<()> {
    ///     loop {
    ///         let before = database.get_batch(&[row]).await?.pop().flatten();
    ///         let mut after = before.as_deref().unwrap_or_default().to_vec();
    ///         after.extend_from_slice(line.as_bytes());
    ///         if database.compare_and_set(row, before.as_deref(), Some(Bytes::from(after))).await? {
    ///             return Ok(());
    ///         }
    ///     }
    /// }
    /// ```
    async fn compare_and_set(
        &self,
        row: RowName<'_>,
        expected: Option<&[u8]>,
        new: Option<Bytes>,
    ) -> Result<bool>;

    /// Returns the rows of a table, on one topic or on all, in no order.
    ///
    /// All rows are in memory at once. Rows that others write during the call may or may not be among them.
    ///
    /// # Errors
    /// As of the [trait](DbApi). A table that does not exist has no rows.
    async fn get_all_entries(&self, table: &str, topic: Option<&str>) -> Result<Vec<Entry>>;

    /// Returns the places of the rows of a table, on one topic or on all, in no order.
    ///
    /// # Errors
    /// As of the [trait](DbApi). A table that does not exist has no rows.
    async fn get_all_keys(&self, table: &str, topic: Option<&str>) -> Result<Vec<RowPlace>>;

    /// Returns the value of each of these rows, in the order of `rows`; `None` for a row that does not exist.
    ///
    /// It is one round trip where the driver can make it one, and it distinguishes an absent row from an error.
    ///
    /// # Errors
    /// As of the [trait](DbApi).
    async fn get_batch(&self, rows: &[RowName<'_>]) -> Result<Vec<Option<Bytes>>>;

    /// Does all these writes; writes of one row are done in order. The topic is exact.
    ///
    /// # Errors
    /// As of the [trait](DbApi). After an error, some writes may be done, unless the driver's batches are
    /// [atomic](super::DatabaseCapabilities::atomic_batches).
    async fn write_batch(&self, writes: &[Write<'_>]) -> Result<()>;

    /// Returns a number that was never returned before for this table, to any caller: 1, 2, 3 and so on. The last one
    /// is stored in the table [`unique_key`](super::UNIQUE_KEY_TABLE), under the table's name and no topic, in decimal
    /// digits, so that tools can save and restore it.
    ///
    /// Numbers may be missing: a caller that ends before it uses its number leaves a gap.
    ///
    /// # Errors
    /// As of the [trait](DbApi), and [`ErrorKind::Invalid`](crate::ErrorKind::Invalid) if the stored value is not a
    /// number, or is the largest one.
    async fn allocate_unique_key(&self, table: &str) -> Result<u64>;

    /// Returns the [`Watch`] of drivers that [have one](super::DatabaseCapabilities::watch).
    ///
    /// `None` means that changes are found only by reading again, at an interval that the caller chooses.
    fn watch(&self) -> Option<&dyn Watch> {
        None
    }

    /// Closes the database; written rows stay. Idempotent.
    ///
    /// # Errors
    /// If something that was begun could not be completed.
    async fn close(&self) -> Result<()>;

    /// Returns who can read and change the rows, with the settings of this database. It may look at files.
    fn posture(&self) -> Vec<Posture> {
        Vec::new()
    }

    /// Returns counters and peers.
    fn status(&self) -> Status;
}
