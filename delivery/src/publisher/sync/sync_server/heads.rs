use futures_util::FutureExt;
use pubsub_api::{Batch, Envelope, PeerId, Requests, Result, Stamp, Topic};

use crate::publisher::core::Core;
use crate::{Answer, AnswerKind, SyncRequest, Want};

/// Refuses a request for now. An asker that takes nothing just now learns it from the silence.
pub(super) fn say_of_each(
    core: &Core,
    requests: &dyn Requests,
    peer: PeerId,
    request: &SyncRequest,
    kind: AnswerKind,
) {
    let mut heads = Batch::new();
    for Want { topic, position } in &request.wants {
        let kind = match kind {
            // Full jitter: who was refused together does not come back together.
            AnswerKind::Busy { retry_after } => {
                AnswerKind::Busy { retry_after: retry_after.mul_f64(1.0 + fastrand::f64()) }
            }
            other => other,
        };
        heads.extend(head(core, request.id, topic, position.number, kind).ok());
    }
    put_now(core, requests, peer, &mut heads);
}

/// Reports that a request waits for its turn, by one head for all that it wants.
pub(super) fn say_of_first(core: &Core, requests: &dyn Requests, peer: PeerId, request: &SyncRequest) {
    let Some(Want { topic, position }) = request.wants.first() else { return };
    let mut heads = Batch::new();
    heads.extend(head(core, request.id, topic, position.number, AnswerKind::Waits).ok());
    put_now(core, requests, peer, &mut heads);
}

fn put_now(core: &Core, requests: &dyn Requests, peer: PeerId, heads: &mut Batch) {
    if !matches!(requests.answer(peer, heads).now_or_never(), Some(Ok(()))) {
        core.readings.unanswered.add(1);
    }
}

/// The head of an answer, as it is packed.
pub(super) fn head(core: &Core, id: u64, topic: &Topic, number: u64, kind: AnswerKind) -> Result<Envelope> {
    answer_head(core, id, topic, number, kind).pack()
}

pub(super) fn answer_head(core: &Core, id: u64, topic: &Topic, number: u64, kind: AnswerKind) -> Answer {
    let (publisher, epoch) = (core.incarnation.publisher, core.incarnation.epoch);
    let stamp = Stamp { publisher, epoch, sequence: number, time_us: core.now().wall_us };
    let epochs = match kind {
        AnswerKind::Snapshot { since, .. } => epochs_since(core, since),
        _ => Vec::new(),
    };
    Answer { id, topic: topic.clone(), stamp, kind, epochs }
}

/// The epochs of this publisher's numbers from `since` on.
fn epochs_since(core: &Core, since: u64) -> Vec<u64> {
    let sequencer = core.sequencer();
    let epochs = sequencer.ledger.lineage.epochs().iter().copied();
    epochs.filter(|epoch| *epoch >= since).collect()
}
