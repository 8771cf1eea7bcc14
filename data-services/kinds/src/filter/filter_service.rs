use std::collections::BTreeSet;
use std::time::Duration;

use async_trait::async_trait;
use data_services::{
    Address, Difference, KeyColumns, Service, ServiceBuilder, ServiceHandle, StopSignal, TableEvent, TableId,
    TablePublisher, TableSubscription, TraceId,
};
use pubsub_api::{Error, ErrorKind, Result};
use tokio::time::{Instant, sleep, timeout_at};

use super::filter_options::FilterOptions;
use super::row_filter::RowFilter;
use crate::status_board::StatusBoard;
use crate::table_feed::TableFeed;

/// How long the first publication waits for the snapshots of the publishers that are known at the start.
const FIRST_SNAPSHOTS: Duration = Duration::from_secs(5);

/// When a publication that failed is tried again, if no event comes before.
const RETRY: Duration = Duration::from_secs(10);

/// A service of the kind `filter`.
#[derive(Debug)]
pub(super) struct FilterService {
    address: Address,
    table: TableId,
    published: TableId,
    key: KeyColumns,
    filter: RowFilter,
    board: StatusBoard,
}

impl FilterService {
    pub(super) fn new(options: FilterOptions) -> Result<Self> {
        let invalid = |error: Error| Error::new(ErrorKind::Settings, format!("address: {error}"));
        Ok(Self {
            address: Address::new(options.address).map_err(invalid)?,
            published: options.publish_as.unwrap_or_else(|| options.table.clone()),
            table: options.table,
            key: options.key.into(),
            filter: RowFilter::new(options.conditions, options.columns, options.publisher_column)?,
            board: StatusBoard::default(),
        })
    }

    /// Takes over an event of another publisher than this service itself, which an address with wildcards may reach.
    fn accept(&self, feed: &mut TableFeed, own: &TablePublisher, event: &TableEvent) -> Option<Difference> {
        let publisher = event.publisher();
        (publisher != own).then(|| feed.accept(event, |row| self.filter.project(publisher, row)))
    }

    /// Waits for the snapshots of the publishers that are known now, so that a restart does not remove rows for a moment.
    /// Returns whether the service continues.
    async fn collect(
        &self,
        feed: &mut TableFeed,
        own: &TablePublisher,
        subscription: &mut TableSubscription,
        stop: &mut StopSignal,
    ) -> Result<bool> {
        let mut missing = self.publishers(feed.service()).await?;
        missing.remove(own);
        let deadline = Instant::now() + FIRST_SNAPSHOTS;
        while !missing.is_empty() {
            let next = tokio::select! {
                () = stop.stopped() => return Ok(false),
                next = timeout_at(deadline, subscription.next()) => next,
            };
            match next {
                Err(_) => break,
                Ok(None) => return Ok(false),
                Ok(Some(event)) => {
                    self.accept(feed, own, &event);
                    let is_gone = matches!(event, TableEvent::Gone { .. });
                    if is_gone || feed.has(event.publisher()) {
                        missing.remove(event.publisher());
                    }
                }
            }
        }
        Ok(true)
    }

    /// The services that publish the other table now.
    async fn publishers(&self, service: &ServiceHandle) -> Result<BTreeSet<TablePublisher>> {
        let services = service.node().report().await?.services.into_iter();
        let publishing = services.filter(|one| {
            let listens = self.address.reaches(&Address::from(&one.service))
                || one.addresses.iter().any(|address| self.address.reaches(address));
            listens && one.tables.iter().any(|(table, _)| *table == self.table)
        });
        Ok(publishing.map(|one| TablePublisher { node: one.node, service: one.service }).collect())
    }

    async fn publish(
        &self,
        feed: &mut TableFeed,
        difference: Difference,
        trace: Option<TraceId>,
    ) -> Result<()> {
        let lost = feed.without_key();
        let lost = (lost > 0).then(|| format!("{lost} rows lack a key column and are left out"));
        match feed.publish(difference, trace).await {
            Ok(()) => self.board.updated(&lost.into_iter().collect::<Vec<_>>()),
            Err(error) if error.kind() == ErrorKind::Closed => return Err(error),
            Err(error) => self.board.failed(error),
        }
        Ok(())
    }
}

#[async_trait]
impl Service for FilterService {
    fn declare(&self, service: ServiceBuilder) -> ServiceBuilder {
        let board = self.board.clone();
        service.keep_tables().method("status", move |_| {
            let board = board.clone();
            async move { Ok(board.report().await?) }
        })
    }

    async fn run(&mut self, service: ServiceHandle, mut stop: StopSignal) -> Result<()> {
        self.board.attach(&service);
        let own =
            TablePublisher { node: service.node().instance().node.clone(), service: service.id().clone() };
        let mut subscription = service.subscribe(self.address.as_str(), self.table.as_str()).await?;
        end_other_tables(&service, &self.published).await?;
        let mut feed = TableFeed::new(service, self.published.as_str(), self.key.clone());
        if !self.collect(&mut feed, &own, &mut subscription, &mut stop).await? {
            return Ok(());
        }
        self.publish(&mut feed, Difference::default(), None).await?;
        loop {
            let (difference, trace) = tokio::select! {
                () = stop.stopped() => return Ok(()),
                () = sleep(RETRY), if feed.is_behind() => (Some(Difference::default()), None),
                event = subscription.next() => match event {
                    Some(event) => (self.accept(&mut feed, &own, &event), event.trace()),
                    None => return Ok(()),
                },
            };
            if let Some(difference) = difference {
                self.publish(&mut feed, difference, trace).await?;
            }
        }
    }
}

/// Ends the tables that an earlier configuration of this service published under other names.
async fn end_other_tables(service: &ServiceHandle, published: &TableId) -> Result<()> {
    let mut transaction = service.transaction();
    for table in service.tables().await?.keys().filter(|table| *table != published) {
        transaction = transaction.withdraw(table.as_str());
    }
    transaction.commit().await.map(drop)
}
