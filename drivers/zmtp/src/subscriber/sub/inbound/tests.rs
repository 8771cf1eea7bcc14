use std::collections::VecDeque;

use bytes::{BufMut, Bytes};
use pubsub_api::wire::{MAX_RECEIVED_BYTES, encode};
use pubsub_api::{Notice, Topic, hello};

use super::{BLOCK_BYTES, Inbound, Item, LARGEST_BLOCK_BYTES, LinkCounters};
use crate::lost::lost_event;
use crate::protocol::{Command, ProtocolError, put_event};

/// Feeds bytes as a socket would, a number of them at a time; returns what arrived, in words, and the payloads.
fn fed(bytes: &[u8], piece: usize) -> (Result<(), ProtocolError>, Vec<String>, Vec<Bytes>) {
    let (mut inbound, counters) = (Inbound::new("tcp://p:1", b""), LinkCounters::default());
    let (mut items, mut rest, mut ended) = (VecDeque::new(), bytes, Ok(()));
    while !rest.is_empty() && ended.is_ok() {
        let mut room = inbound.room();
        let count = piece.min(rest.len()).min(room.remaining_mut());
        assert!(count > 0 && room.remaining_mut() <= BLOCK_BYTES);
        room.put_slice(&rest[..count]);
        rest = &rest[count..];
        assert!(inbound.block.capacity() <= LARGEST_BLOCK_BYTES);
        ended = inbound.take(&mut items, &counters).map(drop);
    }
    let (words, payloads) = reported(items);
    (ended, words, payloads)
}

fn reported(items: VecDeque<Item>) -> (Vec<String>, Vec<Bytes>) {
    let (mut words, mut payloads) = (Vec::new(), Vec::new());
    for item in items {
        match item {
            Item::Notice(Notice::Gap { events, .. }) => words.push(format!("gap of {events}")),
            Item::Notice(Notice::Subscribed { .. }) => words.push("subscribed".to_owned()),
            Item::Notice(other) => words.push(format!("{other:?}")),
            Item::Events(mut chunk) => {
                let is_large = chunk.block().len() > BLOCK_BYTES;
                assert!(!is_large || chunk.len() == 1, "a large block is one event's own");
                while let Some(span) = chunk.pop() {
                    words.push(String::from_utf8_lossy(&chunk.block()[span.topic]).into_owned());
                    payloads.push(chunk.block().slice(span.payload));
                }
            }
        }
    }
    (words, payloads)
}

#[test]
fn events_hellos_and_losses_come_at_their_places_however_the_bytes_are_cut() {
    let hello = encode(&hello::event("p", None)).unwrap();
    let mut bytes = Vec::new();
    put_event(&mut bytes, b"a", b"1");
    put_event(&mut bytes, b"$hello", b"no map");
    put_event(&mut bytes, b"$hello", &lost_event(7));
    put_event(&mut bytes, b"$hello", &hello);
    put_event(&mut bytes, b"\xff", b"no topic");
    put_event(&mut bytes, b"b", &[b'x'; 300]);
    Command::Pong.put(&mut bytes);
    bytes.extend_from_slice(b"\0\x03one");
    put_event(&mut bytes, b"$hello", &hello);
    put_event(&mut bytes, b"$hello", &lost_event(8));
    put_event(&mut bytes, b"c", b"");
    for piece in [1, 2, 7, 64, 1000, BLOCK_BYTES] {
        let (ended, words, payloads) = fed(&bytes, piece);
        assert_eq!(ended, Ok(()));
        assert_eq!(words, ["a", "gap of 7", "subscribed", "$hello", "b", "$hello", "gap of 8", "c"]);
        assert_eq!((&payloads[0][..], payloads[2].len()), (&b"1"[..], 300));
    }
}

/// A proxy in front of two publishers, one of which starts again.
#[test]
fn each_publisher_with_a_hello_on_a_connection_is_reported_once() {
    let hello = |publisher, epoch| {
        let epoch = Some(pubsub_api::PublisherEpoch { publisher, epoch });
        encode(&hello::event("p", epoch)).unwrap()
    };
    let mut bytes = Vec::new();
    for (publisher, epoch) in [(7, 1), (8, 1), (7, 1), (8, 1), (8, 2), (7, 1), (8, 2)] {
        put_event(&mut bytes, b"$hello", &hello(publisher, epoch));
    }
    let (ended, words, _) = fed(&bytes, 1000);
    assert_eq!(ended, Ok(()));
    assert_eq!(
        words,
        [
            "subscribed",
            "$hello",
            "subscribed",
            "$hello",
            "$hello",
            "$hello",
            "subscribed",
            "$hello",
            "$hello",
            "$hello"
        ]
    );
}

#[test]
fn what_a_proxy_answers_by_itself_is_no_word_of_a_publisher() {
    let said = |bytes: &[u8]| {
        let (mut inbound, counters) = (Inbound::new("p", b""), LinkCounters::default());
        inbound.room().put_slice(bytes);
        inbound.take(&mut VecDeque::new(), &counters).unwrap().of_publisher
    };
    let mut bytes = Vec::new();
    Command::Pong.put(&mut bytes);
    assert!(!said(&bytes));
    put_event(&mut bytes, b"a", b"1");
    assert!(said(&bytes) && said(&bytes[..bytes.len() - 1]), "also a part of an event is one");
}

#[test]
fn what_is_counted_is_events_losses_and_drops_by_cause() {
    let (mut inbound, counters) = (Inbound::new("p", b""), LinkCounters::default());
    let mut bytes = Vec::new();
    put_event(&mut bytes, b"a", b"1");
    put_event(&mut bytes, b"$hello", b"no map");
    put_event(&mut bytes, b"$hello", &encode(&hello::event("p", None)).unwrap());
    put_event(&mut bytes, b"$hello", &lost_event(7));
    put_event(&mut bytes, b"", b"no topic");
    inbound.room().put_slice(&bytes);
    inbound.take(&mut VecDeque::new(), &counters).unwrap();
    let read = |name: &str, cause: Option<&str>| {
        let of_name =
            |reading: &&pubsub_api::CounterReading| reading.name == name && reading.cause.as_deref() == cause;
        counters.read().iter().find(of_name).map(|reading| reading.value)
    };
    assert_eq!(read("events_received", None), Some(1));
    assert_eq!(read("events_missed", None), Some(7));
    assert_eq!(read("frames_dropped", Some("not_a_map")), Some(1));
    assert_eq!(read("frames_dropped", Some("bad_topic")), Some(1));
}

#[test]
fn what_came_before_an_error_is_kept() {
    let mut bytes = Vec::new();
    put_event(&mut bytes, b"a", b"1");
    bytes.extend_from_slice(b"\x80\0");
    for piece in [1, 100] {
        let (ended, words, _) = fed(&bytes, piece);
        assert_eq!((ended, words), (Err(ProtocolError::BadFlags), vec!["a".to_owned()]));
    }
}

#[test]
fn pings_are_reported_with_their_context() {
    let (mut inbound, counters) = (Inbound::new("p", b""), LinkCounters::default());
    let mut bytes = Vec::new();
    Command::Ping { ttl: 30, context: b"0123456789abcdef" }.put(&mut bytes);
    Command::Ping { ttl: 0, context: b"" }.put(&mut bytes);
    inbound.room().put_slice(&bytes);
    let said = inbound.take(&mut VecDeque::new(), &counters).unwrap();
    let pings: Vec<_> = said.pings.iter().map(|(ttl, context)| (*ttl, context.as_bytes().to_vec())).collect();
    assert_eq!(pings, [(30, b"0123456789abcdef".to_vec()), (0, Vec::new())]);
}

#[test]
fn large_events_between_small_ones_come_whole_and_have_their_blocks_for_themselves() {
    let sizes = [10, 100_000, 20, MAX_RECEIVED_BYTES, 30, 40_000, 70_000, 40];
    let topic = format!("${}", "t".repeat(Topic::MAX_RESERVED_BYTES - 1));
    let mut bytes = Vec::new();
    for (number, size) in sizes.iter().enumerate() {
        put_event(&mut bytes, topic.as_bytes(), &vec![u8::try_from(number).unwrap(); *size]);
    }
    for piece in [1000, BLOCK_BYTES] {
        let (ended, _, payloads) = fed(&bytes, piece);
        assert_eq!((ended, payloads.len()), (Ok(()), sizes.len()));
        for (number, (payload, size)) in payloads.iter().zip(sizes).enumerate() {
            assert_eq!(payload.len(), size);
            assert!(
                payload.iter().all(|byte| usize::from(*byte) == number),
                "event {number} holds another's bytes"
            );
        }
    }
}

#[test]
fn a_stream_of_small_events_reuses_its_block_when_nobody_keeps_it() {
    let (mut inbound, counters) = (Inbound::new("p", b""), LinkCounters::default());
    let mut bytes = Vec::new();
    put_event(&mut bytes, b"a", &[b'x'; 1000]);
    let mut places = std::collections::BTreeSet::new();
    for _ in 0..1000 {
        let mut items = VecDeque::new();
        inbound.room().put_slice(&bytes);
        inbound.take(&mut items, &counters).unwrap();
        let Some(Item::Events(chunk)) = items.pop_front() else { panic!("an event") };
        places.insert(chunk.block().as_ptr() as usize / BLOCK_BYTES);
    }
    assert!(places.len() <= 2, "{places:?}");
}
