use std::collections::BTreeMap;
use std::sync::Arc;

use pubsub_api::Result;
use serde::Serialize;

use super::event_queue::EventQueue;
use crate::node::{Command, Commit};
use crate::service::TableSubscription;
use crate::tables::TableChange;
use crate::{
    Address, Difference, KeyColumns, Node, Row, RowKey, ServiceId, ServiceOffer, ServiceState,
    SubscribeOptions, SubscriptionId, TableId,
};

/// A running service: what its code acts through. Clones act for the same service.
///
/// The service runs until [`stop`](Self::stop), also if every handle is dropped.
///
/// | to | call | bound |
/// |---|---|---|
/// | publish a table from its whole state | [`publish`](Self::publish) | 256 KiB for a row, [`table_bytes`](crate::NodeOptions::table_bytes) for the table |
/// | change some of its rows | [`change`](Self::change) | the same |
/// | change several tables together | [`transaction`](Self::transaction) | 256 tables |
/// | send data that is not kept | [`send_raw`](Self::send_raw) | 256 KiB |
/// | read tables of others | [`subscribe`](Self::subscribe) | [`subscription_updates`](crate::NodeOptions::subscription_updates) events that wait for the reader |
/// | run a method of another service | [`call`](Self::call), [`call_all`](Self::call_all) | 256 KiB for arguments and for the result, one hour |
///
/// Each call is a command to the task of the node. If its queue is full, the call waits; after the node has left, it returns
/// [`ErrorKind::Closed`](pubsub_api::ErrorKind::Closed).
#[derive(Debug, Clone)]
pub struct ServiceHandle {
    node: Node,
    id: ServiceId,
}

impl ServiceHandle {
    pub(crate) fn new(node: Node, id: ServiceId) -> Self {
        Self { node, id }
    }

    /// Returns the name.
    #[must_use]
    pub fn id(&self) -> &ServiceId {
        &self.id
    }

    /// Returns the node.
    #[must_use]
    pub fn node(&self) -> &Node {
        &self.node
    }

    /// Publishes the whole state of a table: the engine sends the difference to the state before. Returns the number of
    /// changed rows.
    ///
    /// The time is proportional to the table; [`change`](Self::change) is not.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`](pubsub_api::ErrorKind::NotFound) if the service does not publish such a table,
    /// [`ErrorKind::Invalid`](pubsub_api::ErrorKind::Invalid) for a row without its key columns, two rows with one key, or a
    /// table above [`table_bytes`](crate::NodeOptions::table_bytes). The table is unchanged then.
    ///
    /// # Cancel safety
    /// If the future is dropped, the table is unchanged or changed as a whole.
    pub async fn publish(&self, table: &str, rows: Vec<Row>) -> Result<usize> {
        self.commit_one(table, TableChange::Rows(rows)).await
    }

    /// Changes some rows of a table: `put` adds rows or replaces those with the same key, `deleted` removes rows by key.
    /// Returns the number of changed rows. The time is proportional to the change.
    ///
    /// A key in `deleted` that the table does not have is no error.
    ///
    /// # Errors
    /// As [`publish`](Self::publish).
    ///
    /// # Cancel safety
    /// As [`publish`](Self::publish).
    pub async fn change(&self, table: &str, put: Vec<Row>, deleted: Vec<RowKey>) -> Result<usize> {
        self.commit_one(table, TableChange::Difference(Difference { put, deleted })).await
    }

    async fn commit_one(&self, table: &str, change: TableChange) -> Result<usize> {
        let table = TableId::new(table)?;
        self.commit(Commit { changes: vec![(table, change)], ..Commit::default() }).await
    }

    pub(crate) async fn commit(&self, commit: Commit) -> Result<usize> {
        let service = self.id.clone();
        self.node.command(|reply| Command::Commit { service, commit, reply }).await?
    }

    /// Returns the tables of the service, with their key columns.
    ///
    /// # Errors
    /// [`ErrorKind::Closed`](pubsub_api::ErrorKind::Closed) if the node has left the bus.
    pub async fn tables(&self) -> Result<BTreeMap<TableId, KeyColumns>> {
        let report = self.node.report().await?;
        let own = |one: &ServiceOffer| one.node == report.node.node && one.service == self.id;
        Ok(report
            .services
            .into_iter()
            .find(own)
            .map(|one| one.tables.into_iter().collect())
            .unwrap_or_default())
    }

    /// Returns whether this node counts the service as active: whether it is not on
    /// [standby](crate::ServiceBuilder::active_standby).
    ///
    /// # Errors
    /// [`ErrorKind::Closed`](pubsub_api::ErrorKind::Closed) if the node has left the bus.
    pub async fn is_active(&self) -> Result<bool> {
        let report = self.node.report().await?;
        let is_own = |one: &ServiceOffer| one.node == report.node.node && one.service == self.id;
        Ok(report.services.iter().any(|one| is_own(one) && !one.is_standby))
    }

    /// Marks a table as stale: subscribers get [`Stale`](crate::TableEvent::Stale) with this reason, of which they see 200
    /// bytes, because the source of this service is silent. `None` ends that. The mark ends with the table.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`](pubsub_api::ErrorKind::NotFound) if the service does not publish such a table.
    pub async fn set_stale(&self, table: &str, reason: Option<String>) -> Result<()> {
        let (service, table) = (self.id.clone(), TableId::new(table)?);
        self.node.command(|reply| Command::SetStale { service, table, reason, reply }).await?
    }

    /// Sends data to the current subscribers of a table that does not change the table and is not kept: a later subscriber
    /// does not receive it, and it can be lost.
    ///
    /// # Errors
    /// As [`publish`](Self::publish); [`ErrorKind::Invalid`](pubsub_api::ErrorKind::Invalid) also above 256 KiB.
    pub async fn send_raw(&self, table: &str, value: impl Serialize) -> Result<()> {
        let table = TableId::new(table)?;
        let value = serde_json::to_value(value).map_err(|error| {
            pubsub_api::Error::new(pubsub_api::ErrorKind::Invalid, "raw data must be JSON").with_source(error)
        })?;
        let service = self.id.clone();
        self.node.command(|reply| Command::SendRaw { service, table, value, reply }).await?
    }

    /// Subscribes to a table of every service that listens on `address`, now and later: the name of a service, an address
    /// that several share, or a pattern. An address without a listener is not an error: the subscription waits.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`](pubsub_api::ErrorKind::Invalid) for an invalid address or table, and if the
    /// [access rules](crate::AccessRules) of this node deny it,
    /// [`ErrorKind::Closed`](pubsub_api::ErrorKind::Closed) if the service has stopped.
    pub async fn subscribe(&self, address: &str, table: &str) -> Result<TableSubscription> {
        self.subscribe_with(address, table, SubscribeOptions::default()).await
    }

    /// Subscribes as [`subscribe`](Self::subscribe) does, with an id of the caller's choice, or at an interval.
    ///
    /// # Errors
    /// As `subscribe`; [`ErrorKind::AlreadyExists`](pubsub_api::ErrorKind::AlreadyExists) if the id is in use on this node.
    pub async fn subscribe_with(
        &self,
        address: &str,
        table: &str,
        options: SubscribeOptions,
    ) -> Result<TableSubscription> {
        let (address, table) = (Address::new(address)?, TableId::new(table)?);
        let id = match options.id {
            Some(id) => id,
            None => SubscriptionId::random(),
        };
        let queue = EventQueue::new(self.node.options().subscription_updates);
        let subscriber = self.id.clone();
        let (their_queue, their_id, interval) = (Arc::clone(&queue), id.clone(), options.interval);
        let subscribe = |reply| Command::Subscribe {
            subscription: their_id,
            subscriber,
            address,
            table,
            interval,
            queue: their_queue,
            reply,
        };
        self.node.command(subscribe).await??;
        Ok(TableSubscription::new(id, queue, self.node.commands()))
    }

    /// Sets the state that other nodes see.
    pub(crate) async fn set_state(&self, state: ServiceState) -> Result<()> {
        let service = self.id.clone();
        self.node.command(|reply| Command::SetState { service, state, reply }).await?
    }

    /// Refuses further calls, and waits until those that run have ended.
    pub(crate) async fn drain(&self) -> Result<()> {
        let service = self.id.clone();
        self.node.command(|reply| Command::Drain { service, reply }).await?
    }

    /// Stops the service: it accepts no call, running calls end within their deadlines, its tables and subscriptions end.
    ///
    /// It does not wait for the calls that run.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`](pubsub_api::ErrorKind::NotFound) if it has stopped already.
    pub async fn stop(&self) -> Result<()> {
        let service = self.id.clone();
        self.node.command(|reply| Command::Stop { service, reply }).await?
    }
}
