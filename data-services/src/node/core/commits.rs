use std::collections::BTreeMap;

use pubsub_api::Result;

use super::NodeCore;
use crate::node::local_service::no_service;
use crate::node::{Beginning, Commit};
use crate::tables::TableChange;
use crate::{KeyColumns, ServiceEntry, ServiceId, TableId, TraceId};

/// The longest reason for which a table is stale, in bytes: every node has it in its copy of the registry.
const MAX_REASON_BYTES: usize = 200;

/// Changes of tables, and of which tables there are.
impl NodeCore {
    pub(super) fn commit(&mut self, service: &ServiceId, commit: Commit) -> Result<usize> {
        let Commit { declared, changes, withdrawn, trace } = commit;
        if declared.is_empty() && withdrawn.is_empty() {
            return self.commit_changes(service, changes, trace);
        }
        self.check_publishing(service, declared.iter().map(|(table, _)| table))?;
        let Some(local) = self.services.get_mut(service) else { return Err(no_service(service)) };
        let mut kept = local.entry.tables.clone();
        let is_new = |(table, key): &(TableId, KeyColumns)| kept.get(table) != Some(key);
        let new: BTreeMap<TableId, KeyColumns> = declared.into_iter().filter(is_new).collect();
        kept.retain(|table, _| !new.contains_key(table));
        let mut tables = kept.clone();
        tables.extend(new.clone());
        local.entry.tables.clone_from(&tables);
        self.declare_tables(service, &new);
        tables.retain(|table, _| !withdrawn.contains(table));
        let done = self.commit_changes(service, changes, trace).and_then(|count| {
            self.announce_tables(service, tables)?;
            Ok(count)
        });
        match &done {
            Ok(_) => self.end_tables(service, &withdrawn),
            Err(_) => {
                self.end_tables(service, new.keys());
                // The entry is smaller than before: it is not refused.
                let _ = self.announce_tables(service, kept);
            }
        }
        self.reconcile();
        done
    }

    fn commit_changes(
        &mut self,
        service: &ServiceId,
        changes: Vec<(TableId, TableChange)>,
        trace: Option<TraceId>,
    ) -> Result<usize> {
        if let Some(trace) = trace {
            let tables: Vec<&TableId> = changes.iter().map(|(table, _)| table).collect();
            tracing::debug!(%trace, %service, ?tables, "a change of a trace is published");
        }
        let mut streams = Vec::with_capacity(changes.len());
        for (table, change) in changes {
            streams.push((self.published_stream(service, &table)?, change));
        }
        self.published.commit_traced(streams, trace, &mut self.effects.published)
    }

    /// Marks a table as stale, or as current.
    pub(super) fn set_stale(
        &mut self,
        service: &ServiceId,
        table: TableId,
        reason: Option<String>,
    ) -> Result<()> {
        self.published_stream(service, &table)?;
        if let Some(local) = self.services.get_mut(service) {
            match reason {
                Some(reason) => drop(local.entry.stale.insert(table, shortened(reason))),
                None => drop(local.entry.stale.remove(&table)),
            }
        }
        self.publish_entry()?;
        self.reconcile();
        Ok(())
    }

    /// Begins the tables of a service that starts. Those that `old`, which it replaces, has too are kept with their marks.
    pub(super) fn begin_tables(
        &mut self,
        service: &ServiceId,
        old: Option<&ServiceEntry>,
        entry: &mut ServiceEntry,
        beginning: Beginning,
    ) {
        let none = ServiceEntry::default();
        let old = old.unwrap_or(&none);
        if beginning == Beginning::TakingOver {
            for (table, key) in &old.tables {
                entry.tables.entry(table.clone()).or_insert_with(|| key.clone());
            }
        }
        let is_kept = |table: &TableId| entry.tables.get(table) == old.tables.get(table);
        let marks = old.stale.iter().filter(|(table, _)| is_kept(table));
        entry.stale = marks.map(|(table, reason)| (table.clone(), reason.clone())).collect();
        self.end_tables(service, old.tables.keys().filter(|table| !entry.tables.contains_key(*table)));
        let new = entry.tables.iter().filter(|(table, key)| old.tables.get(*table) != Some(*key));
        self.declare_tables(service, new);
    }

    /// Begins tables without rows, instead of those of their names.
    fn declare_tables<'a>(
        &mut self,
        service: &ServiceId,
        tables: impl IntoIterator<Item = (&'a TableId, &'a KeyColumns)>,
    ) {
        for (table, key) in tables {
            let stream = self.own_stream(service, table);
            self.last_epoch += 1;
            let epoch = self.last_epoch;
            self.published.declare(stream, key.clone(), epoch, &mut self.effects.published);
        }
    }

    fn end_tables<'a>(&mut self, service: &ServiceId, tables: impl IntoIterator<Item = &'a TableId>) {
        for table in tables {
            let stream = self.own_stream(service, table);
            self.published.withdraw_table(&stream);
        }
    }

    fn announce_tables(&mut self, service: &ServiceId, tables: BTreeMap<TableId, KeyColumns>) -> Result<()> {
        if let Some(local) = self.services.get_mut(service) {
            local.entry.stale.retain(|table, _| tables.contains_key(table));
            local.entry.tables = tables;
        }
        self.publish_entry()
    }
}

fn shortened(mut reason: String) -> String {
    let end = (0..=MAX_REASON_BYTES).rev().find(|end| reason.is_char_boundary(*end));
    reason.truncate(end.unwrap_or_default());
    reason
}
