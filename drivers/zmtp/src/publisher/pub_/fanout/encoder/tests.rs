use std::ops::Range;

use bytes::Bytes;
use proptest::prelude::{Strategy, prop, proptest};
use pubsub_api::{EncodedEvent, Framing, PeerId, TopicRights};

use super::{BLOCK_BYTES, Encoder};
use crate::framing::ZmtpFraming;
use crate::protocol::put_event;
use crate::publisher::pub_::fanout::block::Block;
use crate::publisher::pub_::fanout::filters::{Change, GroupId};

/// An encoder with a group for each of these prefixes.
fn encoder(prefixes: &[&'static str]) -> (Encoder, Vec<GroupId>) {
    let mut encoder = Encoder::default();
    let groups = prefixes.iter().map(|prefix| {
        let group = encoder.filters.join(&TopicRights::ALL);
        let change = Change { added: vec![Bytes::from(*prefix)], removed: Vec::new() };
        encoder.filters.change(group, &change)
    });
    let groups = groups.collect();
    (encoder, groups)
}

/// The ranges of topic and payload of each event of a record.
type Ranges = Vec<(Range<usize>, Range<usize>)>;

/// A record with these events after some other bytes.
fn record(events: &[(String, usize)]) -> (Bytes, Ranges) {
    let mut bytes = b"head of a record".to_vec();
    let mut ranges = Vec::new();
    for (number, (topic, length)) in events.iter().enumerate() {
        let begin = bytes.len();
        let at = begin + ZmtpFraming.put_head(&mut bytes, topic.as_bytes(), *length);
        let payload = bytes.len()..bytes.len() + length;
        bytes.resize(payload.end, u8::try_from(number % 251).unwrap());
        ranges.push((at..at + topic.len(), payload));
    }
    bytes.extend_from_slice(b"and its end");
    (Bytes::from(bytes), ranges)
}

/// What a group receives of these blocks.
fn received(blocks: &[Block], group: GroupId) -> Vec<u8> {
    let of_block = |block: &Block| {
        let spans = block.spans_for(group, PeerId(1)).iter();
        spans
            .flat_map(|span| block.bytes()[span.start as usize..span.end as usize].to_vec())
            .collect::<Vec<_>>()
    };
    blocks.iter().flat_map(of_block).collect()
}

fn put_run(encoder: &mut Encoder, record: &Bytes, ranges: &[(Range<usize>, Range<usize>)]) -> Vec<Block> {
    let mut blocks = Vec::new();
    encoder.put_run(record, ranges.iter().cloned(), &mut |block| blocks.push(block));
    blocks.extend(encoder.finish());
    blocks
}

fn events() -> impl Strategy<Value = Vec<(String, usize)>> {
    let event = ("[abc]{1,2}", prop::sample::select(vec![0, 1, 200, 255, 256, 5_000, 40_000]));
    prop::collection::vec(event, 0..40)
}

proptest! {
    /// Whether a part of a record is shared or copied: each group receives its events, in order, and nothing else.
    #[test]
    fn a_group_receives_of_a_record_what_it_receives_of_single_events(
        before in events(),
        events in events(),
    ) {
        let prefixes = ["a", "ab", "b", ""];
        for wanted in 0..prefixes.len() {
            let (mut encoder, groups) = encoder(&prefixes[..wanted]);
            let mut blocks = Vec::new();
            for (topic, length) in &before {
                let event = EncodedEvent { topic: topic.as_bytes(), payload: &vec![7; *length], origin: None, row: None };
                blocks.extend(encoder.put(event));
            }
            let (record, ranges) = record(&events);
            blocks.extend(put_run(&mut encoder, &record, &ranges));
            for (group, prefix) in groups.iter().zip(prefixes) {
                let mut expected = Vec::new();
                let all = before.iter().map(|(topic, length)| (topic, vec![7; *length]));
                let all = all.chain(events.iter().zip(&ranges).map(|((topic, _), (_, payload))| {
                    (topic, record[payload.clone()].to_vec())
                }));
                for (topic, payload) in all.filter(|(topic, _)| topic.starts_with(prefix)) {
                    put_event(&mut expected, topic.as_bytes(), &payload);
                }
                assert!(received(&blocks, *group) == expected, "{prefix:?} of {events:?}");
            }
        }
    }
}

#[test]
fn a_large_run_is_not_copied_and_a_lone_event_keeps_no_record() {
    let (mut encoder, groups) = encoder(&["D"]);
    let (large, ranges) = record(&vec![("D".to_owned(), 1000); 600]);
    let blocks = put_run(&mut encoder, &large, &ranges);
    assert!(blocks.len() >= 2, "a block stays in the cache of the processor");
    assert!(blocks.iter().all(|block| block.bytes().len() < BLOCK_BYTES + 2000));
    assert_eq!(received(&blocks, groups[0]).as_slice(), &large[16..large.len() - 11]);
    let within = |block: &Block| large.as_ptr_range().contains(&block.bytes().as_ptr());
    assert_eq!(blocks.iter().filter(|block| !within(block)).count(), 1, "only the small rest was copied");
    let reused = blocks.into_iter().filter_map(Block::into_buffer).map(|buffer| buffer.len()).sum::<usize>();
    assert!(reused < BLOCK_BYTES, "the memory of the record is not the driver's");

    let mut sparse = vec![("other".to_owned(), 1000); 600];
    sparse[300].0 = "D".to_owned();
    let (sparse, ranges) = record(&sparse);
    let blocks = put_run(&mut encoder, &sparse, &ranges);
    assert_eq!(blocks.len(), 1);
    assert!(blocks[0].bytes().len() < 1100 && !sparse.as_ptr_range().contains(&blocks[0].bytes().as_ptr()));
}
