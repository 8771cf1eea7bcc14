use pubsub_api::{Error, ErrorKind, Result};
use tokio::sync::watch;

/// Reports that what a node knows of its bus has changed: peers and their states, services and their tables, methods,
/// addresses and marks. From [`Node::registry_changes`](crate::Node::registry_changes).
///
/// It is bounded: it notes that there was a change, and neither which one nor how many. The reader takes the whole
/// [report](crate::Node::report), and never misses the last change, however slow it is.
#[derive(Debug, Clone)]
pub struct RegistryChanges(watch::Receiver<u64>);

impl RegistryChanges {
    pub(super) fn new(revisions: &watch::Receiver<u64>) -> Self {
        let mut revisions = revisions.clone();
        revisions.mark_unchanged();
        Self(revisions)
    }

    /// Waits until something has changed since the last call, or since the beginning of the subscription. Changes of this
    /// node's own services count.
    ///
    /// # Errors
    /// [`ErrorKind::Closed`] if the node is not on the bus any more.
    ///
    /// # Cancel safety
    /// May be dropped and called again: no change is missed.
    pub async fn changed(&mut self) -> Result<()> {
        let ended = |_| Error::new(ErrorKind::Closed, "the node is not on the bus any more");
        self.0.changed().await.map_err(ended)
    }
}
