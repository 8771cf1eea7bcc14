//! Traffic with events, whatever the bytes: what comes out is what a slow reader of RFC 37 finds in them, however they are
//! cut.

use std::ops::Range;

use drivers_zmtp::protocol::{Command, Decoded, EventDecoder, ProtocolError, put_event};
use pubsub_api::Topic;
use pubsub_api::wire::{MAX_RECEIVED_BYTES, WireError};

use crate::cuts::same_however_cut;
use crate::feed::{Found, feed};
use crate::slow_frame::{Frame, next_frame};

/// How much is made an event of ours: more only takes longer.
const OWN_BYTES: usize = 48;

/// A topic and a map of the largest size that is waited for, and their heads.
const KEPT_BYTES: usize = Topic::MAX_RESERVED_BYTES + MAX_RECEIVED_BYTES + 2 * 9;

const LARGEST_FRAME: u64 = 16 * MAX_RECEIVED_BYTES as u64;
const LARGEST_COMMAND: u64 = 4096;
const MOST_FRAMES: usize = 16;

#[derive(Debug, Clone, PartialEq)]
enum Item<'a> {
    Event { topic: Range<usize>, payload: Range<usize> },
    Dropped(WireError),
    Command(Command<'a>),
}

/// The first byte of `input` decides how the others, which come from the peer, are cut, and how they become an event of ours.
pub(crate) fn check(input: &[u8]) {
    let Some((seed, sent)) = input.split_first() else { return };
    let found = same_however_cut(sent, *seed, |ends| decode(sent, ends));
    assert_eq!((found.items, found.end.err()), slow(sent), "and what a slow reader finds");

    let some = sent.get(..sent.len().min(OWN_BYTES)).unwrap_or(sent);
    let (topic, payload) = some.split_at(some.len().min(usize::from(*seed)));
    check_own_event(*seed, topic, payload);
}

/// What `put_event` wrote decodes back, between other events.
pub(crate) fn check_own_event(seed: u8, topic: &[u8], payload: &[u8]) {
    let mut bytes = Vec::new();
    put_event(&mut bytes, b"D", b"before");
    let start = bytes.len();
    put_event(&mut bytes, topic, payload);
    let end = bytes.len();
    put_event(&mut bytes, b"D", b"behind");
    let found = same_however_cut(&bytes, seed, |ends| decode(&bytes, ends));
    assert_eq!((found.items.len(), found.end), (3, Ok(bytes.len())));
    let Some(Item::Event { topic: at, payload: map }) = found.items.get(1) else {
        unreachable!("{:?} is no event", found.items)
    };
    assert!(start < at.start && map.end == end);
    assert_eq!((bytes.get(at.clone()), bytes.get(map.clone())), (Some(topic), Some(payload)));
}

fn decode<'a>(bytes: &'a [u8], ends: &[usize]) -> Found<Item<'a>, ProtocolError> {
    let mut decoder = EventDecoder::default();
    feed(bytes, ends, KEPT_BYTES, |start, arrived| {
        let (used, decoded) = decoder.next(arrived)?;
        let item = match decoded {
            Decoded::Incomplete => None,
            Decoded::Event { topic, payload } => {
                assert!(
                    topic.start <= topic.end && topic.end < payload.start && payload.start <= payload.end
                );
                assert_eq!(payload.end, used, "an event ends with its map");
                let shift = |range: Range<usize>| start + range.start..start + range.end;
                Some(Item::Event { topic: shift(topic), payload: shift(payload) })
            }
            Decoded::Dropped(cause) => Some(Item::Dropped(cause)),
            Decoded::Command(command) => Some(Item::Command(command)),
        };
        Ok((used, item))
    })
}

/// Reads frame by frame, judges each head as it comes, and each message when its last frame is there.
fn slow(bytes: &[u8]) -> (Vec<Item<'_>>, Option<ProtocolError>) {
    let (mut items, mut message, mut at) = (Vec::new(), Vec::<Frame<'_>>::new(), 0);
    loop {
        let frame = match next_frame(bytes, at) {
            Ok(Some(frame)) => frame,
            Ok(None) => return (items, None),
            Err(error) => return (items, Some(error)),
        };
        if let Err(error) = judge(&frame, message.len()) {
            return (items, Some(error));
        }
        let Some(body) = frame.body else { return (items, None) };
        at = frame.body_at.saturating_add(body.len());
        if frame.command {
            match Command::read(body) {
                Ok(command) => items.push(Item::Command(command)),
                Err(error) => return (items, Some(error)),
            }
            continue;
        }
        let more = frame.more;
        message.push(frame);
        if !more {
            items.push(item(&message));
            message.clear();
        }
    }
}

fn judge(frame: &Frame<'_>, frames_before: usize) -> Result<(), ProtocolError> {
    let largest = if frame.command { LARGEST_COMMAND } else { LARGEST_FRAME };
    if frame.command && frames_before > 0 {
        Err(ProtocolError::CommandInMessage)
    } else if frame.size > largest {
        Err(ProtocolError::FrameTooLong)
    } else if frames_before == MOST_FRAMES {
        Err(ProtocolError::TooManyFrames)
    } else {
        Ok(())
    }
}

fn item<'a>(message: &[Frame<'_>]) -> Item<'a> {
    match message {
        [first, _, ..] if first.size > Topic::MAX_RESERVED_BYTES as u64 => Item::Dropped(WireError::BadTopic),
        [_, second] if second.size > MAX_RECEIVED_BYTES as u64 => Item::Dropped(WireError::TooBig),
        [topic, payload] => Item::Event { topic: range(topic), payload: range(payload) },
        _ => Item::Dropped(WireError::FrameCount),
    }
}

fn range(frame: &Frame<'_>) -> Range<usize> {
    frame.body_at..frame.body_at + frame.body.map_or(0, <[u8]>::len)
}
