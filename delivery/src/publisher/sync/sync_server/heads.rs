use futures_util::FutureExt;
use pubsub_api::{Batch, Envelope, PeerId, Requests, Result, Stamp, Topic};

use crate::publisher::core::Core;
use crate::{SyncItem, SyncReply, SyncReplyKind, SyncRequest};

/// Refuses a request for now. If the refusal cannot be sent at once, the subscriber's deadline replaces it.
pub(super) fn say_of_each(
    core: &Core,
    requests: &dyn Requests,
    peer: PeerId,
    request: &SyncRequest,
    kind: SyncReplyKind,
) {
    let mut heads = Batch::new();
    for SyncItem { topic, position } in &request.items {
        let kind = match kind {
            // Full jitter: subscribers that were refused together do not return together.
            SyncReplyKind::Busy { retry_after } => {
                SyncReplyKind::Busy { retry_after: retry_after.mul_f64(1.0 + fastrand::f64()) }
            }
            other => other,
        };
        heads.extend(head(core, request.id, topic, position.sequence, kind).ok());
    }
    put_now(core, requests, peer, &mut heads);
}

/// Notifies a peer that its request waits for its turn, by one head for all items.
pub(super) fn say_of_first(core: &Core, requests: &dyn Requests, peer: PeerId, request: &SyncRequest) {
    let Some(SyncItem { topic, position }) = request.items.first() else { return };
    let mut heads = Batch::new();
    heads.extend(head(core, request.id, topic, position.sequence, SyncReplyKind::Waits).ok());
    put_now(core, requests, peer, &mut heads);
}

fn put_now(core: &Core, requests: &dyn Requests, peer: PeerId, heads: &mut Batch) {
    if !matches!(requests.answer(peer, heads).now_or_never(), Some(Ok(()))) {
        core.metrics.unanswered.add(1);
    }
}

/// The packed head of a reply.
pub(super) fn head(
    core: &Core,
    id: u64,
    topic: &Topic,
    number: u64,
    kind: SyncReplyKind,
) -> Result<Envelope> {
    reply_head(core, id, topic, number, kind).pack()
}

pub(super) fn reply_head(core: &Core, id: u64, topic: &Topic, number: u64, kind: SyncReplyKind) -> SyncReply {
    let (publisher, epoch) = (core.publisher_epoch.publisher, core.publisher_epoch.epoch);
    let stamp = Stamp { publisher, epoch, sequence: number, time_us: core.now().wall_us };
    let epochs = match kind {
        SyncReplyKind::Snapshot { since, .. } => epochs_since(core, since),
        _ => Vec::new(),
    };
    SyncReply { id, topic: topic.clone(), stamp, kind, epochs }
}

/// The epochs of this publisher's sequences from `since` on.
fn epochs_since(core: &Core, since: u64) -> Vec<u64> {
    let sequencer = core.sequencer();
    let epochs = sequencer.publisher_state.epoch_history.epochs().iter().copied();
    epochs.filter(|epoch| *epoch >= since).collect()
}
