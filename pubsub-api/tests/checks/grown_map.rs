//! A map that gets more pairs, whatever its bytes: it stays an event if it was one, and means the same.

use pubsub_api::wire::{EventRef, GrownMap, MAX_RECEIVED_BYTES, append_pairs};

use crate::slow_map::SlowMap;

/// The first byte of `input` is the number of pairs that are added, the rest is the payload.
pub(crate) fn check(input: &[u8]) {
    let Some((more, payload)) = input.split_first() else { return };
    let pairs = new_pairs(payload, *more);
    let Some(out) = grown(payload, u32::from(*more), &pairs) else { return };
    let Some(map) = SlowMap::read(payload) else { return };
    for frame in [map.topic().unwrap_or_default().as_bytes(), b"D"] {
        let Ok(before) = EventRef::read(frame, payload) else { continue };
        assert_eq!(EventRef::read(frame, &out), Ok(before.clone()), "with {more} pairs more");
        let slow = SlowMap::read(&out).and_then(|grown| grown.fields(frame));
        assert_eq!(slow, map.fields(frame), "another reader, with {more} pairs more");
        if before.lacks_only_topic {
            check_topic_added(&before, payload);
        }
    }
}

/// The map with `more` pairs at its end, if it is one and what comes of it is not too large.
fn grown(payload: &[u8], more: u32, pairs: &[u8]) -> Option<Vec<u8>> {
    let mut out = b"before".to_vec();
    let appended = append_pairs(payload, more, pairs, &mut out);
    let map = match GrownMap::new(payload, more) {
        Ok(map) => map,
        Err(error) => {
            assert_eq!((appended, &*out), (Err(error), &b"before"[..]), "nothing is written");
            return None;
        }
    };
    assert_eq!((appended, out.starts_with(b"before")), (Ok(()), true));
    let out = out.split_off(b"before".len());
    assert_eq!(out.len(), map.bytes_with(pairs.len()));
    assert_eq!(out, [map.head(), map.pairs(), pairs].concat());
    assert!(payload.ends_with(map.pairs()) && map.head().len() >= payload.len() - map.pairs().len());
    (out.len() <= MAX_RECEIVED_BYTES).then_some(out)
}

/// The key `topic` makes it what a genuine reader takes.
fn check_topic_added(before: &EventRef<'_>, payload: &[u8]) {
    let Some(mended) = grown(payload, 1, b"\xa5topic\xa1D") else { return };
    let wanted = EventRef { genuine: true, lacks_only_topic: false, ..before.clone() };
    assert_eq!(EventRef::read(b"D", &mended), Ok(wanted));
}

/// Packed pairs `x1` to `x<more>`, with as many `x` as make names that the payload has not.
fn new_pairs(payload: &[u8], more: u8) -> Vec<u8> {
    let longest = payload.split(|byte| *byte != b'x').map(<[u8]>::len).max().unwrap_or_default();
    let pair = |number| {
        let name = format!("{}{number}", "x".repeat(longest + 1));
        let length = u16::try_from(name.len()).unwrap_or(u16::MAX).to_be_bytes();
        [&[0xda], &length[..], name.as_bytes(), &[number & 0x7f]].concat()
    };
    (1..=more).flat_map(pair).collect()
}
