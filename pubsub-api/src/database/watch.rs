use async_trait::async_trait;

use crate::Result;

/// Reports that something in a database may have changed, without reading it.
///
/// [`DbApi::watch`](super::DbApi::watch) returns it; drivers that have it promise
/// [`watch`](super::DatabaseCapabilities::watch). Contract:
///
/// - Every change of a row, in this process or another, changes the revision. The revision may also change without one.
/// - A revision is valid for one open database: it has no meaning for others, nor after a restart.
/// - The revision does not show what changed: read the database.
///
/// ```
/// use pubsub_api::Result;
/// use pubsub_api::database::Watch;
///
/// /// Calls `read` now, and after each change of the database.
/// async fn follow(watch: &dyn Watch, read: impl AsyncFn() -> Result<()>) -> Result<()> {
///     let mut seen = watch.revision().await?;
///     loop {
///         // The revision is older than what is read, so no change is missed.
///         read().await?;
///         seen = watch.changed(seen).await?;
///     }
/// }
/// ```
#[async_trait]
pub trait Watch: Send + Sync {
    /// Returns the current revision.
    ///
    /// # Errors
    /// As of [`DbApi`](super::DbApi).
    async fn revision(&self) -> Result<u64>;

    /// Waits until the revision differs from `seen`, and returns it. The driver may report a change late, by the
    /// interval at which it checks.
    ///
    /// # Errors
    /// As of [`DbApi`](super::DbApi).
    ///
    /// # Cancel safety
    /// May be dropped and called again.
    async fn changed(&self, seen: u64) -> Result<u64>;
}
