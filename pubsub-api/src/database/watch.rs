use async_trait::async_trait;

use crate::Result;

/// A way to learn that something in a database may have changed, without reading it.
///
/// Reached by [`DbApi::watch`](super::DbApi::watch); drivers that have it promise
/// [`watch`](super::DatabaseCapabilities::watch). Contract:
///
/// - Whoever changes a row, in this process or another, makes the revision another one. It may change without that, too.
/// - A revision is of one open database: it says nothing to others, nor after a restart.
/// - What was changed is not told: read it.
#[async_trait]
pub trait Watch: Send + Sync {
    /// The revision now.
    ///
    /// # Errors
    /// As of [`DbApi`](super::DbApi).
    async fn revision(&self) -> Result<u64>;

    /// Waits until the revision is not `seen`, and gives it; that may be late by the time that the driver takes to look.
    ///
    /// # Errors
    /// As of [`DbApi`](super::DbApi).
    ///
    /// # Cancel safety
    /// May be dropped and called again.
    async fn changed(&self, seen: u64) -> Result<u64>;
}
