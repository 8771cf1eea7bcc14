mod requests;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use delivery::Position;
use pubsub_api::{Error, ErrorKind, Result};
use serde_json::Value as Json;

use super::commit_rules::check_streams;
use super::limits::MAX_ROW_BYTES;
use super::message::{GroupMember, TableMessage};
use super::options::TableOptions;
use super::publish_effect::{PublishEffect, mark, to_followers};
use super::published_rows::{Plan, Prepush};
use super::published_table::PublishedTable;
use super::request_budgets::RequestBudgets;
use super::stream_record::{StreamRecord, report};
use super::table_change::TableChange;
#[cfg(test)]
use crate::{Difference, Row, RowKey};
use crate::{Instance, KeyColumns, ServiceId, StreamName, TraceId};

/// All tables that the services of this node publish.
///
/// A table without followers sends nothing; its changes are numbered and kept all the same.
#[cfg_attr(test, derive(Clone, Hash))]
pub(crate) struct PublishedTables {
    options: TableOptions,
    tables: BTreeMap<StreamName, PublishedTable>,
    /// Also of streams that are not declared: a follower may be there first.
    streams: BTreeMap<StreamName, StreamRecord>,
    budgets: RequestBudgets,
}

impl PublishedTables {
    /// No table.
    #[must_use]
    pub(crate) fn new(options: TableOptions) -> Self {
        Self {
            options,
            tables: BTreeMap::new(),
            streams: BTreeMap::new(),
            budgets: RequestBudgets::default(),
        }
    }

    /// Begins a table without rows. It replaces one that was declared before under the same name; followers learn of the new
    /// epoch at once.
    ///
    /// `epoch` should be higher than that of any earlier declaration of the stream: the time in microseconds since 1970. If
    /// it is not, the next higher one is used. Returns the epoch.
    pub(crate) fn declare(
        &mut self,
        stream: StreamName,
        key: KeyColumns,
        epoch: u64,
        effects: &mut Vec<PublishEffect>,
    ) -> u64 {
        let record = self.streams.entry(stream.clone()).or_default();
        record.last_epoch = epoch.max(record.last_epoch.saturating_add(1));
        let table = PublishedTable::new(stream.clone(), key, record.last_epoch, &self.options);
        if !record.followers.is_empty() {
            effects.push(mark(&stream, table.position(), Vec::new()));
            if !self.tables.contains_key(&stream) {
                effects.push(PublishEffect::FirstFollower(stream.clone()));
            }
        }
        self.tables.insert(stream, table);
        record.last_epoch
    }

    /// Ends all tables of a service. A follower learns of it from the registry, or with its next request.
    pub(crate) fn withdraw(&mut self, service: &ServiceId) {
        self.tables.retain(|stream, _| stream.service != *service);
    }

    /// Ends one table.
    pub(crate) fn withdraw_table(&mut self, stream: &StreamName) {
        self.tables.remove(stream);
        let others = self.tables.iter_mut().filter(|(other, _)| other.service == stream.service);
        others.for_each(|(_, table)| table.forget_partner(&stream.table));
    }

    /// Publishes all rows that a table has from now on. Returns the number of rows that are different.
    ///
    /// # Errors
    /// As [`commit_traced`](Self::commit_traced).
    #[cfg(test)]
    pub(crate) fn publish(
        &mut self,
        stream: &StreamName,
        rows: impl IntoIterator<Item = Row>,
        effects: &mut Vec<PublishEffect>,
    ) -> Result<usize> {
        self.commit(vec![(stream.clone(), TableChange::Rows(rows.into_iter().collect()))], effects)
    }

    /// Publishes a change of a table. Returns the number of rows that are different. The cost is that of the change, however
    /// large the table is.
    ///
    /// # Errors
    /// As [`commit_traced`](Self::commit_traced).
    #[cfg(test)]
    pub(crate) fn change(
        &mut self,
        stream: &StreamName,
        put: Vec<Row>,
        deleted: Vec<RowKey>,
        effects: &mut Vec<PublishEffect>,
    ) -> Result<usize> {
        let difference = TableChange::Difference(Difference { put, deleted });
        self.commit(vec![(stream.clone(), difference)], effects)
    }

    /// Publishes changes of several tables of one service at once: a follower of several of them applies them together. Returns
    /// the number of rows that are different, over all tables.
    ///
    /// # Errors
    /// Nothing is published then.
    /// [`ErrorKind::NotFound`] if a table is not declared.
    /// [`ErrorKind::Invalid`] if a row lacks a key column or has more than 256 KiB, if a key appears twice, if a table appears
    /// twice, if tables are of different services, or if there are more than 256.
    /// [`ErrorKind::Overloaded`] if a table would be larger than [`TableOptions::table_bytes`].
    pub(crate) fn commit_traced(
        &mut self,
        changes: Vec<(StreamName, TableChange)>,
        trace: Option<TraceId>,
        effects: &mut Vec<PublishEffect>,
    ) -> Result<usize> {
        check_streams(&changes)?;
        for (stream, _) in &changes {
            self.declared(stream)?;
        }
        let mut plans = Vec::with_capacity(changes.len());
        for (stream, change) in changes {
            let plan = self.declared(&stream)?.rows.plan(change);
            plans.push((plan.map_err(|error| error.context(&stream))?, stream));
        }
        Ok(self.carry_out(plans, trace, effects))
    }

    /// Publishes changes without a trace.
    #[cfg(test)]
    pub(crate) fn commit(
        &mut self,
        changes: Vec<(StreamName, TableChange)>,
        effects: &mut Vec<PublishEffect>,
    ) -> Result<usize> {
        self.commit_traced(changes, None, effects)
    }

    /// Sends a value to all followers of a table, outside its sequence. It is not kept: a follower that is absent, or loses it, does
    /// not receive it.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] if the table is not declared. [`ErrorKind::Invalid`] if the value has more than 256 KiB.
    pub(crate) fn send_raw(
        &mut self,
        stream: &StreamName,
        value: Json,
        effects: &mut Vec<PublishEffect>,
    ) -> Result<()> {
        self.declared(stream)?;
        let bytes = value.to_string().len();
        if bytes > MAX_ROW_BYTES {
            let text = format!("a raw value has at most {MAX_ROW_BYTES} bytes of JSON, this one has {bytes}");
            return Err(Error::new(ErrorKind::Invalid, text).context(stream));
        }
        if self.has_followers(stream) {
            effects.push(to_followers(TableMessage::Raw { stream: stream.clone(), value }));
        }
        Ok(())
    }

    /// Sets the hook that sees each difference of a table before it is published.
    ///
    /// It may change the difference, leave keys out, or withhold all of it. What it leaves out or withholds is in the
    /// difference that it sees next; a row that it changed is seen again when the service changes it. It is not called if
    /// there is no difference.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] if the table is not declared.
    pub(crate) fn set_prepush(&mut self, stream: &StreamName, hook: Prepush) -> Result<()> {
        self.declared(stream)?.rows.set_hook(hook);
        Ok(())
    }

    /// Notes which instances follow a stream, as the registry lists them. The stream need not be declared yet.
    pub(crate) fn followers(
        &mut self,
        stream: &StreamName,
        now_following: &BTreeSet<Instance>,
        effects: &mut Vec<PublishEffect>,
    ) {
        let followers = &mut self.streams.entry(stream.clone()).or_default().followers;
        let had_some = !followers.is_empty();
        followers.list(now_following);
        let has_some = !followers.is_empty();
        if self.tables.contains_key(stream) {
            report(stream, had_some, has_some, effects);
        }
    }

    /// Returns the last position of each table that has followers, for the heartbeat.
    #[must_use]
    pub(crate) fn heads(&self) -> Vec<(StreamName, Position)> {
        let followed = self.tables.iter().filter(|(stream, _)| self.has_followers(stream));
        followed.map(|(stream, table)| (stream.clone(), table.position())).collect()
    }

    /// Returns the number of rows of a table as its followers have them; `None` if it is not declared.
    #[must_use]
    pub(crate) fn row_count(&self, stream: &StreamName) -> Option<usize> {
        Some(self.tables.get(stream)?.rows.published().len())
    }

    /// Returns the rows of a table as its followers have them, in the order of their keys; `None` if it is not declared.
    #[cfg(test)]
    #[must_use]
    pub(crate) fn rows(&self, stream: &StreamName) -> Option<Vec<Row>> {
        Some(self.tables.get(stream)?.rows.published().rows().cloned().collect())
    }

    /// Returns the position of the last change of a table; `None` if it is not declared.
    #[must_use]
    pub(crate) fn position(&self, stream: &StreamName) -> Option<Position> {
        self.tables.get(stream).map(PublishedTable::position)
    }

    /// Does everything that is due.
    pub(crate) fn tick(&mut self, now: Duration, effects: &mut Vec<PublishEffect>) {
        for (stream, record) in &mut self.streams {
            let had_some = !record.followers.is_empty();
            record.followers.expire(now);
            if self.tables.contains_key(stream) {
                report(stream, had_some, !record.followers.is_empty(), effects);
            }
        }
        self.tables.values_mut().for_each(|table| table.tick(now, effects));
    }

    /// Returns when something is due.
    #[must_use]
    pub(crate) fn deadline(&self) -> Option<Duration> {
        let tables = self.tables.values().filter_map(PublishedTable::deadline);
        tables.chain(self.streams.values().filter_map(|record| record.followers.deadline())).min()
    }

    /// Moves all times into the past.
    #[cfg(test)]
    pub(crate) fn age(&mut self, by: Duration) {
        self.tables.values_mut().for_each(|table| table.age(by));
        self.streams.values_mut().for_each(|record| record.followers.age(by));
    }

    fn carry_out(
        &mut self,
        plans: Vec<(Plan, StreamName)>,
        trace: Option<TraceId>,
        effects: &mut Vec<PublishEffect>,
    ) -> usize {
        let has_change = |(plan, _): &&(Plan, StreamName)| !plan.effective.is_empty();
        let member = |(_, stream): &(Plan, StreamName)| {
            let position = self.tables.get(stream)?.next_position();
            Some(GroupMember { table: stream.table.clone(), position })
        };
        let group: Arc<[GroupMember]> = match plans.iter().filter(has_change).count() {
            0 | 1 => Arc::default(),
            _ => plans.iter().filter(has_change).filter_map(member).collect(),
        };
        let mut changed = 0;
        for (plan, stream) in plans {
            let has_followers = self.has_followers(&stream);
            let Some(table) = self.tables.get_mut(&stream) else { continue };
            changed += plan.effective.len();
            if plan.effective.is_empty() {
                table.rows.carry_out(plan);
            } else {
                table.change(plan, (&group, trace), has_followers, effects);
            }
        }
        changed
    }

    fn has_followers(&self, stream: &StreamName) -> bool {
        self.streams.get(stream).is_some_and(|record| !record.followers.is_empty())
    }

    fn declared(&mut self, stream: &StreamName) -> Result<&mut PublishedTable> {
        self.tables.get_mut(stream).ok_or_else(|| {
            let StreamName { service, table, .. } = stream;
            let text = format!("service {service} has no table {table}; declare it before publishing");
            Error::new(ErrorKind::NotFound, text)
        })
    }
}
