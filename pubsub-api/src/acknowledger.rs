use crate::PeerId;

/// A way to tell workers what was accepted of what they sent.
///
/// Reached by [`Subscriber::acknowledger`](crate::Subscriber::acknowledger) of a multiproc driver whose publisher
/// [confirms](crate::Capabilities::confirms_publish). Its batches say from whom events come
/// ([`Batch::sources`](crate::Batch::sources)); a worker keeps each event until it is acknowledged, and sends it again
/// over its next connection (docs/design.md#delivery).
pub trait Acknowledger: Send + Sync {
    /// Tells the worker behind `peer` that all its events up to `number` are accepted, or refused for good: it need not keep
    /// them. It does not wait; a peer that is gone is told by the next service that it connects to.
    fn acknowledge(&self, peer: PeerId, number: u64);
}
