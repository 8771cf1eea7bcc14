use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use data_services::{Call, CallOptions, Node, ServiceBuilder, ServiceHandle, ServiceId, TableId};
use pubsub_api::{ErrorKind, Result};
use tokio::sync::Notify;

use super::mirror_plan::PlannedMirror;
use super::mirrored_table::MirroredTable;

/// A service that stands for one of another bus.
#[derive(Debug)]
pub(super) struct Mirror {
    planned: PlannedMirror,
    handle: ServiceHandle,
    tables: BTreeMap<TableId, MirroredTable>,
    /// The tables that it had when its bus was lost; none while the bus is there.
    suspended: Option<BTreeSet<TableId>>,
    /// Notified when a table gets its first publisher, loses its last one, or ends.
    changed: Arc<Notify>,
}

impl Mirror {
    /// Starts the mirror of a service that `source` can reach, on another node.
    ///
    /// # Errors
    /// [`ErrorKind::AlreadyExists`] if that node runs a service of this name that is not an earlier mirror of the same service.
    pub(super) async fn start(
        node: &Node,
        name: &ServiceId,
        planned: PlannedMirror,
        source: &ServiceHandle,
        changed: &Arc<Notify>,
    ) -> Result<Self> {
        let builder = || builder(node, name, &planned, source);
        let handle = match builder().start().await {
            Err(error)
                if error.kind() == ErrorKind::AlreadyExists && is_left_over(node, name, &planned).await? =>
            {
                builder().replace().await?
            }
            started => started?,
        };
        let mut mirror =
            Self { planned, handle, tables: BTreeMap::new(), suspended: None, changed: Arc::clone(changed) };
        mirror.update_tables(source);
        Ok(mirror)
    }

    /// Keeps the rows as stale, since the bus of the service is lost. Calls fail until [`update`](Self::update) has another
    /// source.
    pub(super) async fn suspend(&mut self, reason: &str) {
        let tables: BTreeSet<TableId> = std::mem::take(&mut self.tables).into_keys().collect();
        for table in &tables {
            // A table without a publisher was never declared.
            let _ = self.handle.set_stale(table.as_str(), Some(reason.to_owned())).await;
        }
        self.suspended.get_or_insert_default().extend(tables);
    }

    /// Returns whether its bus is lost, or has not offered the service again.
    pub(super) fn is_suspended(&self) -> bool {
        self.suspended.is_some()
    }

    /// Follows a change of the service that it mirrors.
    pub(super) async fn update(&mut self, planned: PlannedMirror, source: &ServiceHandle) -> Result<()> {
        let is_declared = self.suspended.is_none()
            && planned.addresses == self.planned.addresses
            && planned.methods == self.planned.methods
            && planned.mirrored_from == self.planned.mirrored_from;
        if !is_declared {
            builder(self.handle.node(), self.handle.id(), &planned, source).replace().await?;
        }
        for table in self.suspended.take().into_iter().flatten() {
            if !planned.tables.contains_key(&table) {
                // It may never have been declared.
                let _ = self.handle.transaction().withdraw(table.as_str()).commit().await;
            }
        }
        self.planned = planned;
        self.update_tables(source);
        Ok(())
    }

    /// Returns the service that it mirrors.
    pub(super) fn source(&self) -> &ServiceId {
        &self.planned.source
    }

    /// Returns whether a table has rows, maybe stale ones.
    pub(super) fn has_publishers(&self) -> bool {
        self.tables.values().any(MirroredTable::has_publishers)
    }

    /// Stops the mirror: its rows are gone.
    pub(super) async fn stop(self) {
        drop(self.tables);
        // The node may have left its bus.
        let _ = self.handle.stop().await;
    }

    fn update_tables(&mut self, source: &ServiceHandle) {
        let planned = &self.planned;
        // A table that is offered no more ends when its last publisher is reported as gone.
        self.tables.retain(|table, mirrored| match planned.tables.get(table) {
            Some(key) => mirrored.is_of(key),
            None => mirrored.has_publishers(),
        });
        for (table, key) in &planned.tables {
            self.tables.entry(table.clone()).or_insert_with(|| {
                let (source, mirror, changed) =
                    (source.clone(), self.handle.clone(), Arc::clone(&self.changed));
                MirroredTable::start(
                    source,
                    planned.source.clone(),
                    table.clone(),
                    key.clone(),
                    mirror,
                    changed,
                )
            });
        }
    }
}

/// Declares the mirror. Its tables are declared when they have rows.
fn builder(node: &Node, name: &ServiceId, planned: &PlannedMirror, source: &ServiceHandle) -> ServiceBuilder {
    let builder = node.service(name.as_str()).keep_tables().mirrored_from(planned.mirrored_from.clone());
    let builder =
        planned.addresses.iter().fold(builder, |builder, address| builder.address(address.as_str()));
    planned.methods.iter().fold(builder, |builder, method| {
        let (source, target) = (source.clone(), planned.source.clone());
        builder.method(method.as_str(), move |call: Call| {
            let (source, target) = (source.clone(), target.clone());
            async move {
                let options = CallOptions::within(call.deadline).traced(call.trace);
                source.call_with(target.as_str(), call.method.as_str(), call.json(), options).await
            }
        })
    })
}

/// Whether a service is the mirror of the same service, left by a run of the bridge that was aborted.
async fn is_left_over(node: &Node, name: &ServiceId, planned: &PlannedMirror) -> Result<bool> {
    let own = &node.instance().node;
    let services = node.report().await?.services;
    Ok(services
        .iter()
        .any(|one| one.node == *own && one.service == *name && one.mirrored_from == planned.mirrored_from))
}
