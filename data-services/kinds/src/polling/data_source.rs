use std::collections::BTreeMap;
use std::fmt::Debug;
use std::future::pending;

use async_trait::async_trait;
use data_services::{KeyColumns, TableId};
use pubsub_api::Result;

use super::PolledTables;

/// Where a [`PollingService`](crate::PollingService) gets its tables from.
///
/// No call is interrupted midway: the service waits for it even when it should stop, for at most ten seconds, after which the
/// cage ends it. What blocks belongs into `spawn_blocking`.
#[async_trait]
pub trait DataSource: Send + Sync + Debug + 'static {
    /// Returns the tables that a poll would return, without their rows. A lazy service announces them, so that they can be
    /// subscribed to before the first poll.
    ///
    /// # Errors
    /// Whatever prevents it; the tables stay as they are.
    async fn tables(&mut self) -> Result<BTreeMap<TableId, KeyColumns>>;

    /// Returns all tables. Those that are missing are ended.
    ///
    /// # Errors
    /// Whatever prevents it; all tables stay as they are, and the service polls again after its interval.
    async fn poll(&mut self) -> Result<PolledTables>;

    /// Returns when a poll would return something new, for sources that notice it themselves. By default never.
    ///
    /// # Cancel safety
    /// May be dropped and called again.
    async fn changed(&mut self) {
        pending().await
    }

    /// Releases what the source holds, when its service ends.
    async fn close(&mut self) {}
}
