use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use data_services::{BusId, Node, ServiceHandle, ServiceId};
use pubsub_api::Result;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::bridge_options::MirrorOptions;
use super::mirror::Mirror;
use super::mirror_plan::{MirrorPlan, PlannedMirror};

/// The mirrors of services of one bus on another.
#[derive(Debug)]
pub(super) struct Direction {
    options: MirrorOptions,
    /// Subscribes and calls on the bus of the services.
    source: ServiceHandle,
    /// The place of the mirrors.
    destination: Node,
    mirrors: BTreeMap<ServiceId, Mirror>,
    /// Until when a mirror is kept whose service has not been found again since its bus was lost.
    keeps_lost_until: Option<Instant>,
    changed: Arc<Notify>,
}

impl Direction {
    /// Mirrors nothing yet. `changed` is notified when the mirrors are to be compared again for another reason than a change
    /// of a registry.
    pub(super) fn new(
        options: MirrorOptions,
        source: ServiceHandle,
        destination: Node,
        changed: &Arc<Notify>,
    ) -> Self {
        let (mirrors, changed) = (BTreeMap::new(), Arc::clone(changed));
        Self { options, source, destination, mirrors, keeps_lost_until: None, changed }
    }

    /// Keeps the rows of all mirrors as stale, since the bus of the services is lost.
    pub(super) async fn suspend(&mut self, reason: &str) {
        for mirror in self.mirrors.values_mut() {
            mirror.suspend(reason).await;
        }
    }

    /// Subscribes and calls by `source` from now on. The next comparisons resume the mirrors of the services that it finds;
    /// the others stay for this time, as the rows of a node that is down do.
    pub(super) fn resume(&mut self, source: ServiceHandle, keeps_lost_for: Duration) {
        self.source = source;
        self.keeps_lost_until = Some(Instant::now() + keeps_lost_for);
    }

    /// Changes which services are mirrored; the next comparison ends the mirrors that are not wanted any more.
    pub(super) fn set_options(&mut self, options: MirrorOptions) {
        self.options = options;
    }

    /// Compares the mirrors with the registry of the bus of the services. Adds services that cannot be mirrored to `errors`.
    ///
    /// # Errors
    /// If one of the two nodes has left its bus.
    pub(super) async fn reconcile(&mut self, errors: &mut Vec<String>) -> Result<()> {
        let report = self.source.node().report().await?;
        let (from, to): (&BusId, &BusId) = (self.source.node().bus(), self.destination.bus());
        let mut plan = MirrorPlan::of(&report.services, from, to, &self.options);
        errors.append(&mut plan.errors);
        self.end_others(&plan).await;
        for (name, planned) in plan.services {
            let done = match self.mirrors.get_mut(&name) {
                Some(mirror) => mirror.update(planned, &self.source).await,
                None => self.start(&name, planned).await,
            };
            if let Err(error) = done {
                errors.push(format!("the mirror {name} is not current: {error}"));
            }
        }
        Ok(())
    }

    async fn start(&mut self, name: &ServiceId, planned: PlannedMirror) -> Result<()> {
        let mirror = Mirror::start(&self.destination, name, planned, &self.source, &self.changed).await?;
        self.mirrors.insert(name.clone(), mirror);
        Ok(())
    }

    /// Ends the mirrors of services that are offered no more, or not wanted. While a subscription keeps the stale rows of a node
    /// that is down, so does the mirror.
    async fn end_others(&mut self, plan: &MirrorPlan) {
        let keeps_lost = self.keeps_lost_until.is_some_and(|until| Instant::now() < until);
        let is_kept = |name: &ServiceId, mirror: &Mirror| {
            let has_rows = mirror.has_publishers() || (keeps_lost && mirror.is_suspended());
            has_rows && self.options.want(mirror.source(), name)
        };
        let is_over =
            |name: &ServiceId, mirror: &Mirror| !plan.services.contains_key(name) && !is_kept(name, mirror);
        let over: Vec<ServiceId> = self
            .mirrors
            .iter()
            .filter(|(name, mirror)| is_over(name, mirror))
            .map(|(name, _)| name.clone())
            .collect();
        for name in over {
            if let Some(mirror) = self.mirrors.remove(&name) {
                mirror.stop().await;
            }
        }
    }

    /// Returns the names of the mirrors.
    pub(super) fn names(&self) -> Vec<ServiceId> {
        self.mirrors.keys().cloned().collect()
    }

    /// Stops all mirrors.
    pub(super) async fn stop(self) {
        for mirror in self.mirrors.into_values() {
            mirror.stop().await;
        }
    }
}
