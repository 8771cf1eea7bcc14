use crate::PeerId;

/// Acknowledges the events of workers that were accepted.
///
/// [`Subscriber::acknowledger`](crate::Subscriber::acknowledger) returns it for a multiproc driver whose publisher
/// [confirms](crate::Capabilities::confirms_publish). The driver's batches name the sources of their events
/// ([`Batch::sources`](crate::Batch::sources)). A worker keeps each event until it is acknowledged, and sends it again
/// over its next connection (docs/design.md#delivery).
pub trait Acknowledger: Send + Sync {
    /// Reports to the worker at `peer` that all its events up to `number` are accepted or permanently refused, so that
    /// it need not keep them. Does not wait. If the peer has disconnected, the next service that it connects to sends
    /// the report.
    ///
    /// A number that is lower than an earlier one changes nothing. A driver may join several reports into one message.
    fn acknowledge(&self, peer: PeerId, number: u64);

    /// Reports to the worker at `peer` that this number of its events was refused for good, with the reason of the last one,
    /// so that its `flush` fails. Call it before the events are acknowledged. Does not wait. A driver that cannot report it
    /// does nothing.
    ///
    /// Reports may be joined: the numbers add up, and the last reason is kept. A peer that has disconnected is not told; its
    /// unacknowledged events come again, and are refused again.
    fn refuse(&self, _peer: PeerId, _events: u64, _reason: &str) {}
}
