//! An event's map, whatever the bytes: what is taken of it is what another reader of msgpack finds there, it stands in the
//! bytes, and it survives being packed anew; what is refused is wrong.

use pubsub_api::wire::{self, EventRef, MAX_EVENT_BYTES};
use pubsub_api::{Event, Stamp, Value};

use crate::slow_map::{Fields, SlowMap, packed};

/// The first byte of `input` is the number of the others that are the topic frame; the rest is the payload. It is read with
/// that frame, with its own topic, and with `D`.
pub(crate) fn check(input: &[u8]) {
    let Some((length, rest)) = input.split_first() else { return };
    let (frame, payload) = rest.split_at(rest.len().min(usize::from(*length)));
    let slow = SlowMap::read(payload);
    let own = slow.as_ref().and_then(SlowMap::topic).unwrap_or_default();
    for frame in [frame, own.as_bytes(), b"D"] {
        check_read(frame, payload, slow.as_ref());
    }
}

fn check_read(frame: &[u8], payload: &[u8], slow: Option<&SlowMap>) {
    let fields = slow.and_then(|slow| slow.fields(frame));
    match (EventRef::read(frame, payload), fields) {
        (Ok(read), Some(fields)) => {
            check_fields(&read, fields);
            check_parts(&read, payload);
            check_packed_anew(&read.to_event());
        }
        (Ok(read), None) => unreachable!("{read:?} is taken of what no event is"),
        (Err(error), Some(fields)) => {
            assert!(is_beyond_the_slow_reader(payload), "{error}, but the map says {fields:?}");
        }
        (Err(_), None) => {}
    }
}

/// Two things that the other reader does not report: it reads the byte that msgpack never uses for nil, and signed numbers
/// that are positive for unsigned ones.
fn is_beyond_the_slow_reader(payload: &[u8]) -> bool {
    payload.iter().any(|byte| matches!(byte, 0xc1 | 0xd0..=0xd3))
}

fn check_fields(read: &EventRef<'_>, wanted: Fields) {
    let mut value = read.value;
    let Ok(value_read) = rmpv::decode::read_value(&mut value) else {
        unreachable!("{value:02x?} is no value")
    };
    assert!(value.is_empty(), "{value:02x?} follows the value");
    let numbers = |stamp: Stamp| [stamp.publisher, stamp.epoch, stamp.sequence, stamp.time_us];
    let found = Fields {
        table: read.table.map(str::to_owned),
        key: read.key.map(str::to_owned),
        action: read.action.to_owned(),
        value: packed(&value_read),
        topic: read.topic.to_owned(),
        stamp: read.stamp.map(numbers),
        version: read.version,
        sealed: read.sealed.map(|part| (part.key_id.to_owned(), part.nonce.to_vec(), part.text.to_vec())),
        all_text: read.genuine || read.lacks_only_topic,
        has_topic: read.genuine || (!read.lacks_only_topic && wanted.has_topic),
    };
    assert_eq!(found, wanted);
}

/// Each part is a piece of the payload, the value a whole one; only the topic `D` may be ours.
fn check_parts(read: &EventRef<'_>, payload: &[u8]) {
    let within = |part: &[u8]| payload.is_empty() || payload.as_ptr_range().contains(&part.as_ptr());
    for part in [read.table, read.key, Some(read.action)].into_iter().flatten() {
        assert!(within(part.as_bytes()) || part.is_empty(), "{part:?} is from elsewhere");
    }
    assert!(within(read.value) && !read.value.is_empty(), "{:02x?} is from elsewhere", read.value);
    assert!(within(read.topic.as_bytes()) || read.topic == "D", "{:?} is from elsewhere", read.topic);
}

fn check_packed_anew(event: &Event) {
    if let Value::Other(bytes) = &event.value {
        assert!(!bytes.is_empty(), "a value has a byte");
    }
    match wire::encode(event) {
        Ok(packed) => {
            let again = EventRef::read(event.topic.as_bytes(), &packed);
            assert!(
                again.as_ref().is_ok_and(|read| read.genuine),
                "{event:?} packs into what reads as {again:?}"
            );
            assert_eq!(again.map(|read| read.to_event()).as_ref(), Ok(event), "packed anew");
        }
        Err(error) => assert!(error.to_string().contains(&MAX_EVENT_BYTES.to_string()), "{error}: {event:?}"),
    }
}
