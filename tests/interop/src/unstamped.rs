use serde_json::Value;

use crate::frames;

/// `stamp`, and four unsigned 64-bit integers (docs/design.md#wire-format), as every stamp is packed.
const STAMP_BYTES: usize = STAMP_HEAD.len() + 4 * 9;

const STAMP_HEAD: &[u8] = b"\xa5stamp\x94";

/// The frames of a line without the stamp of the publisher service: as the worker sent them.
///
/// # Panics
/// If it is not an event of two frames, or the stamp is not the last pair of the map.
#[must_use]
#[track_caller]
pub fn unstamped(line: &Value) -> Vec<Vec<u8>> {
    let frames = frames(line);
    let [topic, map] = frames.as_slice() else { panic!("two frames, not {}", frames.len()) };
    let (rest, stamp) = map.split_at_checked(map.len() - STAMP_BYTES).expect("room for a stamp");
    let numbers = stamp.strip_prefix(STAMP_HEAD).expect("a stamp after all other pairs");
    assert!(numbers.chunks(9).all(|number| number[0] == 0xcf), "four unsigned 64-bit integers");
    let (head, pairs) = rest.split_first().expect("the head of the map");
    assert!((0x81..=0x8f).contains(head), "a map of few pairs");
    vec![topic.clone(), [&[head - 1], pairs].concat()]
}
