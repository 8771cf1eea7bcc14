use std::collections::BTreeMap;

use data_services::{Difference, KeyColumns, Row, ServiceHandle, TableEvent, TablePublisher, TraceId};
use pubsub_api::Result;

use crate::merged_rows::MergedRows;

/// A table that is made of the rows of other publishers, as a subscription reports them.
///
/// It is announced with its first publisher and ended after its last, so that its subscribers distinguish a table without rows
/// from one without a source. While any publisher is stale, it is stale.
#[derive(Debug)]
pub(crate) struct TableFeed {
    service: ServiceHandle,
    table: String,
    key: KeyColumns,
    merged: MergedRows,
    stale: BTreeMap<TablePublisher, String>,
    /// The reason for which the table is stale, as the engine knows it.
    shown_stale: Option<String>,
    is_declared: bool,
    /// The table of the engine is not the merged one: the next publication is a whole one.
    is_behind: bool,
}

impl TableFeed {
    /// A table of a service, which may have it from an earlier run.
    pub(crate) fn new(service: ServiceHandle, table: &str, key: KeyColumns) -> Self {
        let merged = MergedRows::new(key.clone());
        Self {
            service,
            table: table.to_owned(),
            key,
            merged,
            stale: BTreeMap::new(),
            shown_stale: None,
            is_declared: false,
            is_behind: true,
        }
    }

    /// Takes an event over, its rows changed by `project`, without publishing anything yet. Returns what differs.
    pub(crate) fn accept(&mut self, event: &TableEvent, project: impl Fn(&Row) -> Option<Row>) -> Difference {
        let publisher = event.publisher();
        match event {
            TableEvent::Snapshot { rows, .. } => {
                self.merged.replace(publisher, rows.iter().filter_map(project).collect())
            }
            TableEvent::Change { change, .. } => {
                let old = change.changed.iter().map(|(old, _)| old);
                let new = change.changed.iter().map(|(_, new)| new);
                let removed = change.removed.iter().chain(old).filter_map(&project).collect();
                let added = change.added.iter().chain(new).filter_map(&project).collect();
                self.merged.change(publisher, removed, added)
            }
            TableEvent::Gone { .. } => {
                self.stale.remove(publisher);
                self.merged.remove(publisher)
            }
            TableEvent::Stale { reason, .. } => {
                self.stale.insert(publisher.clone(), format!("{publisher}: {reason}"));
                Difference::default()
            }
            TableEvent::Live { .. } => {
                self.stale.remove(publisher);
                Difference::default()
            }
            TableEvent::Raw { .. } => Difference::default(),
        }
    }

    /// Publishes what [`accept`](Self::accept) returned, under the trace of the event. The first call, and the next one after an
    /// error, publishes the whole table: that has no trace, since it has many changes.
    ///
    /// # Errors
    /// Those of the engine, and rows without a key column, which are left out.
    pub(crate) async fn publish(&mut self, difference: Difference, trace: Option<TraceId>) -> Result<()> {
        let published = self.try_publish(difference, trace).await;
        self.is_behind = published.is_err();
        published
    }

    /// Returns the service that publishes the table.
    pub(crate) fn service(&self) -> &ServiceHandle {
        &self.service
    }

    /// Returns whether no publisher is known.
    pub(crate) fn is_empty(&self) -> bool {
        self.merged.is_empty()
    }

    /// Returns whether this publisher is known.
    pub(crate) fn has(&self, publisher: &TablePublisher) -> bool {
        self.merged.has(publisher)
    }

    /// Returns how many rows came without a key column.
    pub(crate) fn without_key(&self) -> u64 {
        self.merged.without_key()
    }

    /// Returns whether the last publication failed.
    pub(crate) fn is_behind(&self) -> bool {
        self.is_behind
    }

    async fn try_publish(&mut self, difference: Difference, trace: Option<TraceId>) -> Result<()> {
        let (service, table) = (&self.service, self.table.as_str());
        if self.merged.is_empty() {
            if self.is_declared || self.is_behind {
                service.transaction().withdraw(table).commit().await?;
            }
            self.is_declared = false;
            return Ok(());
        }
        let is_whole = self.is_behind || !self.is_declared;
        if is_whole {
            let rows = self.merged.rows();
            service.transaction().declare(table, self.key.clone()).publish(table, rows).commit().await?;
            self.is_declared = true;
        } else if !difference.is_empty() {
            let Difference { put, deleted } = difference;
            service.transaction().traced(trace).change(table, put, deleted).commit().await?;
        }
        let reason = self.stale.values().next().cloned();
        if is_whole || reason != self.shown_stale {
            service.set_stale(table, reason.clone()).await?;
            self.shown_stale = reason;
        }
        Ok(())
    }
}
