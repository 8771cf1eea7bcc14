use std::fmt::Debug;

use async_trait::async_trait;
use bytes::Bytes;

use super::{Entry, RowName, RowPlace, Watch, Write};
use crate::{Result, Status};

/// A northbound database, as an API server and the services around it use it.
///
/// - A row is there or not; its value is bytes, at most [`MAX_VALUE_BYTES`](super::MAX_VALUE_BYTES), and comes back as it
///   went in.
/// - A topic is part of a row's place: one key on two topics is two rows. A call without topic finds the one row of that key;
///   if there are several, it is refused ([`ErrorKind::Invalid`](crate::ErrorKind::Invalid)) and does nothing.
/// - `Ok` means done. Where it is not known whether a write was done (a connection lost before the answer), the error says
///   so ([`ErrorKind::InDoubt`](crate::ErrorKind::InDoubt)); nothing is reported done that was not (docs/dragonflow.md#d34).
/// - Tables need not be created. [`create_table`](Self::create_table) and [`delete_table`](Self::delete_table) may be
///   repeated.
/// - Every call but [`initialize`](Self::initialize) and [`close`](Self::close) is an error of
///   [`ErrorKind::Unavailable`](crate::ErrorKind::Unavailable) before the one and of
///   [`ErrorKind::Closed`](crate::ErrorKind::Closed) after the other; what is closed stays closed. A database that goes away
///   makes calls fail with `Unavailable` within the driver's own deadline, and they succeed again when it is back.
/// - Names that break the rules of [`RowName`], and values that are too large, are refused
///   ([`ErrorKind::Invalid`](crate::ErrorKind::Invalid)) before anything is done. A driver whose
///   [limits](super::DatabaseCapabilities::limits) say so may refuse a topic with a closing brace, in every call
///   ([`ErrorKind::Unsupported`](crate::ErrorKind::Unsupported)): Dragonflow's keys in Redis cannot hold one.
///
/// # Cancel safety
/// A call whose future is dropped may or may not be done; what was begun is never half done.
#[async_trait]
pub trait DbApi: Debug + Send + Sync {
    /// Opens it. Doing so again is nothing; after an error it may be tried again.
    ///
    /// # Errors
    /// [`ErrorKind::Closed`](crate::ErrorKind::Closed) after [`close`](Self::close),
    /// [`ErrorKind::Unavailable`](crate::ErrorKind::Unavailable) if it cannot be reached or opened,
    /// [`ErrorKind::Settings`](crate::ErrorKind::Settings) if it refuses what the settings say (a password).
    async fn initialize(&self) -> Result<()>;

    /// Makes sure of a table.
    ///
    /// # Errors
    /// As of the [trait](DbApi).
    async fn create_table(&self, table: &str) -> Result<()>;

    /// Deletes all rows of a table, of whatever topic, and the table. Rows that others write meanwhile may stay.
    ///
    /// # Errors
    /// As of the [trait](DbApi).
    async fn delete_table(&self, table: &str) -> Result<()>;

    /// The tables that are there, sorted: those that have rows, and maybe some that have none.
    ///
    /// # Errors
    /// As of the [trait](DbApi).
    async fn tables(&self) -> Result<Vec<String>>;

    /// Creates a row; one without a topic, if none is named.
    ///
    /// # Errors
    /// [`ErrorKind::AlreadyExists`](crate::ErrorKind::AlreadyExists) if it is there, and is not to be overwritten.
    async fn create_key(&self, row: RowName<'_>, value: Bytes, overwrite: bool) -> Result<()>;

    /// Changes a row.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) if it is not there.
    async fn set_key(&self, row: RowName<'_>, value: Bytes) -> Result<()>;

    /// What a row holds.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) if it is not there.
    async fn get_key(&self, row: RowName<'_>) -> Result<Bytes>;

    /// Deletes a row.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) if it is not there.
    async fn delete_key(&self, row: RowName<'_>) -> Result<()>;

    /// Puts `new` in the place of `expected` in one step, where `None` is no row; whether it did. The topic is taken as it
    /// is named: without one, the row that has none is meant.
    ///
    /// # Errors
    /// As of the [trait](DbApi); that the row holds something else is none.
    async fn compare_and_set(
        &self,
        row: RowName<'_>,
        expected: Option<&[u8]>,
        new: Option<Bytes>,
    ) -> Result<bool>;

    /// The rows of a table, on one topic or on all, in no order.
    ///
    /// # Errors
    /// As of the [trait](DbApi). A table that is not there has no rows.
    async fn get_all_entries(&self, table: &str, topic: Option<&str>) -> Result<Vec<Entry>>;

    /// Where the rows of a table are, on one topic or on all, in no order.
    ///
    /// # Errors
    /// As of the [trait](DbApi). A table that is not there has no rows.
    async fn get_all_keys(&self, table: &str, topic: Option<&str>) -> Result<Vec<RowPlace>>;

    /// What each of these rows holds, in their order; `None` for one that is not there.
    ///
    /// # Errors
    /// As of the [trait](DbApi).
    async fn get_batch(&self, rows: &[RowName<'_>]) -> Result<Vec<Option<Bytes>>>;

    /// Does all these writes, in their order as far as they are about one row. The topic is taken as it is named.
    ///
    /// # Errors
    /// As of the [trait](DbApi). Some may be done then, unless the driver's batches are
    /// [atomic](super::DatabaseCapabilities::atomic_batches).
    async fn write_batch(&self, writes: &[Write<'_>]) -> Result<()>;

    /// A number that nobody was given before for this table: 1, 2, 3 and so on, whoever asks. The last one is kept in the
    /// table [`unique_key`](super::UNIQUE_KEY_TABLE), under the table's name and no topic, in decimal digits, so that tools
    /// can save and restore it.
    ///
    /// # Errors
    /// As of the [trait](DbApi), and [`ErrorKind::Invalid`](crate::ErrorKind::Invalid) if what somebody wrote there is no
    /// number, or the largest.
    async fn allocate_unique_key(&self, table: &str) -> Result<u64>;

    /// A way to learn of changes, for drivers that [have one](super::DatabaseCapabilities::watch).
    fn watch(&self) -> Option<&dyn Watch> {
        None
    }

    /// Ends it; what was written stays. Doing so again is nothing.
    ///
    /// # Errors
    /// If something that was begun could not be ended well.
    async fn close(&self) -> Result<()>;

    /// Counters and peers.
    fn status(&self) -> Status;
}
