use tokio::sync::watch;

use super::departure::Departure;

/// What the task of a node reports to its handles on its own account.
pub(super) struct TaskNews {
    /// Why the node is not on the bus any more.
    pub(super) ended: watch::Sender<Option<Departure>>,
    /// The revision of what the node knows of the bus.
    pub(super) registry: watch::Sender<u64>,
}

impl TaskNews {
    /// Reports the revision, if it is another one.
    pub(super) fn report_registry(&self, revision: u64) {
        self.registry.send_if_modified(|reported| std::mem::replace(reported, revision) != revision);
    }
}
