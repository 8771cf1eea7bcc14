use super::{HEAD_BYTES, Next, PAGE_BYTES, batch, begin, next, put_layouts, put_progress, seal};
use crate::publisher::numbering::workers::Progress;
use crate::publisher::ring::damage::Damage;
use crate::publisher::ring::event_layout::EventLayout;
use crate::publisher::ring::record_place::RecordPlace;

const SEGMENT: u32 = 7;

/// Appends a record, framed as a driver might, in the place of the end marker of `segment`.
fn append(segment: &mut Vec<u8>, number: u32, events: &[(&str, &str)]) {
    let from = segment.len().saturating_sub(HEAD_BYTES);
    segment.truncate(from);
    begin(segment);
    segment.extend_from_slice(&[0; 8]);
    let mut layouts = Vec::new();
    for (topic, payload) in events {
        segment.extend_from_slice(b"<");
        segment.extend_from_slice(topic.as_bytes());
        segment.extend_from_slice(b">>");
        segment.extend_from_slice(payload.as_bytes());
        layouts.push(EventLayout::new(1, topic.len(), topic.len() + 3, payload.len()).unwrap());
    }
    put_layouts(segment, from + HEAD_BYTES, layouts.into_iter());
    put_progress(segment, &[Progress { worker: 7, last: 9, in_doubt: true }]);
    seal(segment, from, RecordPlace { segment: number, start: u32::try_from(from).unwrap() });
}

/// A segment without a checkpoint: one record, and the end marker.
fn one_record() -> Vec<u8> {
    let mut segment = vec![0; HEAD_BYTES];
    append(&mut segment, SEGMENT, &[("D", "one"), ("lport", "")]);
    segment
}

/// The number of records, and what follows them.
fn read(bytes: &[u8], number: u32) -> Result<(usize, Next<'_>), Damage> {
    let (mut at, mut count) = (0, 0);
    loop {
        match next(bytes, at, number)? {
            Next::Record(body) => (at, count) = (at + HEAD_BYTES + body.len(), count + 1),
            other => return Ok((count, other)),
        }
    }
}

#[test]
fn written_records_read_back() {
    let bytes = one_record();
    let Next::Record(body) = next(&bytes, 0, SEGMENT).unwrap() else { panic!("no record") };
    let (events, workers) = batch(body).unwrap();
    let read: Vec<_> = events.iter().map(|event| (event.topic_of(body), event.payload_of(body))).collect();
    assert_eq!(read, [(&b"D"[..], &b"one"[..]), (b"lport", b"")]);
    assert_eq!(workers, [Progress { worker: 7, last: 9, in_doubt: true }]);
    assert_eq!(next(&bytes, HEAD_BYTES + body.len(), SEGMENT), Ok(Next::End));
}

#[test]
fn a_record_that_was_cut_off_is_known_from_one_that_was_changed() {
    let bytes = one_record();
    let end = bytes.len() - HEAD_BYTES;
    for length in 0..bytes.len() {
        assert_eq!(
            read(&bytes[..length], SEGMENT),
            Ok((usize::from(length >= end), Next::CutOff)),
            "{length} bytes"
        );
    }
    for bit in 0..bytes.len() * 8 {
        let mut changed = bytes.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(read(&changed, SEGMENT), Err(Damage::Checksum), "bit {bit}");
    }
}

#[test]
fn a_segment_that_lost_a_part_was_changed() {
    let mut bytes = vec![0; HEAD_BYTES];
    (0..5).for_each(|_| append(&mut bytes, SEGMENT, &[("D", "some"), ("lport", "more")]));
    for from in (0..bytes.len()).step_by(5) {
        for to in (from + 1..bytes.len() - HEAD_BYTES).step_by(7) {
            let lost = [&bytes[..from], &bytes[to..]].concat();
            assert_eq!(read(&lost, SEGMENT), Err(Damage::Checksum), "from {from} to {to}");
        }
    }
}

#[test]
fn nothing_of_an_earlier_segment_is_valid() {
    let bytes = one_record();
    for number in [SEGMENT - 1, SEGMENT + 1, 0, u32::MAX] {
        assert_eq!(next(&bytes, 0, number), Err(Damage::Checksum), "{number}");
    }
    let moved = [&[0; HEAD_BYTES][..], &bytes].concat();
    assert_eq!(next(&moved, HEAD_BYTES, SEGMENT), Err(Damage::Checksum), "at another place");
}

/// A crash ends a write between two pages: all combinations of lengths around a page, over what an earlier segment left.
#[test]
fn a_write_that_ends_at_any_page_leaves_the_record_whole_or_cut_off() {
    let mut stale = vec![0; HEAD_BYTES];
    (0..40).for_each(|_| append(&mut stale, SEGMENT - 1, &[("D", &"s".repeat(300))]));
    for payload in (0..2 * PAGE_BYTES).step_by(5).chain(PAGE_BYTES - 200..PAGE_BYTES + 50) {
        let mut before = vec![0; HEAD_BYTES];
        append(&mut before, SEGMENT, &[("D", "first")]);
        let mut after = before.clone();
        append(&mut after, SEGMENT, &[("D", &"n".repeat(payload))]);
        assert!(after.len() < stale.len());
        let over = |written: &[u8]| [written, &stale[written.len()..]].concat();
        let (before, after) = (over(&before), (over(&after), after.len()));
        assert_eq!(read(&before, SEGMENT), Ok((1, Next::End)));
        assert_eq!(read(&after.0, SEGMENT), Ok((2, Next::End)));
        for page in (0..after.1).step_by(PAGE_BYTES) {
            let torn = [&after.0[..page], &before[page..]].concat();
            let outcome = read(&torn, SEGMENT).unwrap();
            assert!(
                matches!(outcome, (1, Next::End | Next::CutOff)),
                "{payload} bytes cut at {page}: {outcome:?}"
            );
        }
    }
}
