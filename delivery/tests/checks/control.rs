//! Marks, requests and answers, whatever the bytes: what is read of them packs into what reads the same.

use bytes::Bytes;
use delivery::{Control, LossRecord, MAX_SYNC_ITEMS, Mark, SyncReply, SyncRequest};
use pubsub_api::{Envelope, Topic};

/// The first byte of `input` is the number of the others that are the topic frame; the rest is the payload. It is read with
/// that frame, as a mark of `D`, and as what is asked and answered.
pub(crate) fn check(input: &[u8]) {
    let Some((length, rest)) = input.split_first() else { return };
    let (frame, payload) = rest.split_at(rest.len().min(usize::from(*length)));
    for frame in [frame, b"$mark.D"] {
        if let Ok(topic) = Topic::new(frame.to_vec()) {
            check_control(&topic, payload);
        }
    }
    let envelope = Envelope { topic: topic(b"$sync"), payload: Bytes::copy_from_slice(payload) };
    check_request(&envelope);
    check_answer(&envelope);
}

fn check_control(frame: &Topic, payload: &[u8]) {
    let Ok(Some(control)) = Control::read(frame, payload) else { return };
    let packed = match &control {
        Control::Mark(mark @ Mark { topic, .. }) => {
            assert_eq!(&topic.mark(), frame);
            mark.pack()
        }
        Control::Lost(lost @ LossRecord { topic, .. }) => {
            assert_eq!(&topic.mark(), frame);
            lost.pack()
        }
        Control::Bye { topic, stamp, again: None } => Control::pack_bye(topic, *stamp),
        Control::Bye { topic, stamp, again: Some(first) } => Control::pack_bye_again(topic, *stamp, *first),
    };
    let Ok(packed) = packed else { unreachable!("{control:?} is not packed") };
    assert_eq!(Control::read(&packed.topic, &packed.payload), Ok(Some(control)));
}

fn check_request(envelope: &Envelope) {
    let Ok(request) = SyncRequest::read(envelope) else { return };
    assert!(request.items.len() <= MAX_SYNC_ITEMS, "{} wants", request.items.len());
    let Ok(packed) = request.pack() else { unreachable!("{request:?} is not packed") };
    assert_eq!(SyncRequest::read(&packed), Ok(request));
}

fn check_answer(envelope: &Envelope) {
    let Ok(Some(answer)) = SyncReply::read(envelope) else { return };
    let Ok(packed) = answer.pack() else { unreachable!("{answer:?} is not packed") };
    assert_eq!(SyncReply::read(&packed), Ok(Some(answer)));
}

fn topic(name: &[u8]) -> Topic {
    Topic::new(name.to_vec()).unwrap_or_else(|error| unreachable!("{error}"))
}
