use std::collections::{BTreeMap, BTreeSet};

use data_services::{Row, ServiceHandle, TableEvent, TablePublisher, TableSubscription, TraceId};
use serde_json::Value as Json;
use tokio::time::timeout;

use crate::wait::PATIENCE;

/// A subscription, and the rows that it has reported.
#[derive(Debug)]
pub(crate) struct View {
    subscription: TableSubscription,
    rows: BTreeMap<TablePublisher, BTreeSet<Row>>,
    stale: BTreeSet<TablePublisher>,
    /// The number of publishers that were reported as gone.
    pub(crate) gone: usize,
    /// The rows that were changed, added or removed by changes.
    pub(crate) changed: usize,
    /// The traces of the changes.
    pub(crate) traces: Vec<Option<TraceId>>,
}

impl View {
    pub(crate) async fn of(subscriber: &ServiceHandle, address: &str, table: &str) -> Self {
        let subscription = subscriber.subscribe(address, table).await.unwrap();
        Self {
            subscription,
            rows: BTreeMap::new(),
            stale: BTreeSet::new(),
            gone: 0,
            changed: 0,
            traces: vec![],
        }
    }

    /// All rows, sorted.
    pub(crate) fn rows(&self) -> Vec<Json> {
        let mut rows: Vec<&Row> = self.rows.values().flatten().collect();
        rows.sort();
        rows.into_iter().map(Row::to_json).collect()
    }

    pub(crate) fn has(&self, rows: &Json) -> bool {
        Json::Array(self.rows()) == *rows
    }

    pub(crate) fn is_stale(&self) -> bool {
        !self.stale.is_empty()
    }

    /// Whether any publisher is known.
    pub(crate) fn is_known(&self) -> bool {
        !self.rows.is_empty()
    }

    /// Reads events until a check holds.
    pub(crate) async fn until(&mut self, what: &str, holds: impl Fn(&Self) -> bool) {
        while !holds(self) {
            let next = timeout(PATIENCE, self.subscription.next()).await;
            let Ok(event) = next else { panic!("timed out: {what}: {self:?}") };
            self.apply(event.unwrap_or_else(|| panic!("the subscription ended: {what}")));
        }
    }

    /// Reads events until the rows are these.
    pub(crate) async fn until_rows(&mut self, rows: &Json) {
        self.until(&format!("the rows are {rows}"), |view| view.has(rows)).await;
    }

    /// Takes the events that wait.
    pub(crate) async fn drain(&mut self) {
        while let Ok(Some(event)) = timeout(std::time::Duration::ZERO, self.subscription.next()).await {
            self.apply(event);
        }
    }

    fn apply(&mut self, event: TableEvent) {
        let publisher = event.publisher().clone();
        match event {
            TableEvent::Snapshot { rows, .. } => {
                self.rows.insert(publisher, rows.into_iter().collect());
            }
            TableEvent::Change { change, .. } => {
                self.changed += change.len();
                self.traces.push(change.trace);
                let own = self.rows.entry(publisher).or_default();
                let old = change.changed.iter().map(|(old, _)| old);
                change
                    .removed
                    .iter()
                    .chain(old)
                    .for_each(|row| assert!(own.remove(row), "{row} was not there"));
                let new = change.changed.iter().map(|(_, new)| new);
                own.extend(change.added.iter().chain(new).cloned());
            }
            TableEvent::Raw { .. } => {}
            TableEvent::Stale { .. } => drop(self.stale.insert(publisher)),
            TableEvent::Live { .. } => drop(self.stale.remove(&publisher)),
            TableEvent::Gone { .. } => {
                self.gone += 1;
                self.stale.remove(&publisher);
                self.rows.remove(&publisher);
            }
        }
    }
}
