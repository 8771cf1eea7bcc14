use std::panic::{AssertUnwindSafe, catch_unwind};

use bytes::Bytes;

use super::{Batch, Edit, Source, Span};
use crate::wire::plain_row;
use crate::{Action, Envelope, ErrorKind, Event, PeerId, SEND_ALL, Topic};

fn envelope(topic: &'static str, payload: &'static str) -> Envelope {
    Envelope { topic: Topic::new(topic).unwrap(), payload: Bytes::from(payload) }
}

fn of_four() -> Batch {
    let mut batch = Batch::new();
    batch.push(envelope("a", "1"));
    let block = batch.add_block(Bytes::from_static(b"b2c3"));
    assert!(batch.push_span(block, 0..1, 1..2));
    assert!(batch.push_span(block, 2..3, 3..4));
    batch.push(envelope("d", "4"));
    batch
}

fn text(batch: &Batch) -> String {
    let events = batch.iter().map(|event| [event.topic, event.payload].concat());
    events.map(|event| String::from_utf8(event).unwrap()).collect::<Vec<_>>().join(" ")
}

#[test]
fn events_come_out_in_the_order_in_which_they_were_put_in_whatever_block_they_are_of() {
    let batch = of_four();
    assert_eq!(text(&batch), "a1 b2 c3 d4");
    assert_eq!((batch.len(), batch.iter().len(), batch.payload_bytes()), (4, 4, 4));
}

#[test]
fn what_was_accepted_leaves_from_the_front() {
    let mut batch = of_four();
    batch.advance(0);
    batch.advance(3);
    assert_eq!(text(&batch), "d4");
    batch.push(envelope("e", "5"));
    batch.advance(1);
    assert_eq!(text(&batch), "e5");
    batch.advance(usize::MAX);
    assert!(batch.is_empty());
    batch.push(envelope("f", "6"));
    assert_eq!(text(&batch), "f6");
}

#[test]
fn a_noted_row_stays_with_its_event_until_the_payload_is_replaced() {
    let event = Event::new("lport", "port-1", Action::Set, "up", SEND_ALL);
    let packed = Envelope::pack(&event).unwrap();
    let row = plain_row(b"D", &packed.payload);
    let mut batch = Batch::new();
    batch.extend([packed.clone(), envelope("a", "1"), packed]);
    batch.edit(|event| plain_row(event.topic, event.payload).map_or(Edit::Keep, Edit::Note));
    let rows = |batch: &Batch| batch.iter().map(|event| event.row).collect::<Vec<_>>();
    assert!(row.is_some());
    assert_eq!(rows(&batch), [row, None, row]);
    let mut other = of_four();
    assert!(batch.move_first_to(&mut other));
    other.append(&mut batch);
    assert_eq!(rows(&other), [None, None, None, None, row, None, row]);
    other.advance(2);
    other.edit(|event| if event.topic == b"d" { Edit::Drop } else { Edit::Keep });
    assert_eq!(rows(&other), [None, row, None, row], "what was noted stays with its event");
    let mut seen = 0;
    let mut cut = other.clone();
    let edited = catch_unwind(AssertUnwindSafe(|| {
        cut.edit(|_| {
            seen += 1;
            assert!(seen < 3, "a defect of the check");
            Edit::Drop
        });
    }));
    assert!(edited.is_err());
    assert_eq!(rows(&cut), [None; 2], "after a panic nothing is known");
    other.edit(|_| Edit::Replace(Bytes::from_static(b"new")));
    assert_eq!(rows(&other), [None; 4]);
}

#[test]
fn a_span_outside_of_its_block_is_not_added() {
    let mut batch = Batch::new();
    let block = batch.add_block(Bytes::from_static(b"Dxy"));
    let unknown = Batch::clone(&batch).add_block(Bytes::new());
    #[expect(clippy::reversed_empty_ranges, reason = "a driver's mistake must do no harm")]
    let reversed = 2..1;
    for (block, topic, payload) in [
        (block, 0..1, 1..4),
        (block, 3..4, 0..1),
        (block, 0..1, reversed),
        (block, 0..1, 1..usize::MAX),
        (unknown, 0..0, 0..1),
    ] {
        assert!(!batch.push_span(block, topic.clone(), payload.clone()), "{topic:?} {payload:?}");
    }
    assert!(batch.is_empty());
    assert!(batch.push_span(block, 0..3, 3..3), "an empty payload at the very end is within");
}

#[test]
fn the_first_envelope_shares_memory_and_its_topic_is_checked() {
    let block = Bytes::from(b"Dpayload\xff".to_vec());
    let mut batch = Batch::new();
    let id = batch.add_block(block.clone());
    assert!(batch.push_span(id, 0..1, 1..8));
    let first = batch.first_envelope().unwrap().unwrap();
    assert_eq!(first, Envelope { topic: SEND_ALL, payload: Bytes::from_static(b"payload") });
    assert_eq!(first.payload.as_ptr(), block[1..].as_ptr());

    for topic in [0..0, 8..9] {
        batch.clear();
        let id = batch.add_block(block.clone());
        assert!(batch.push_span(id, topic, 1..8));
        assert_eq!(batch.first_envelope().unwrap().unwrap_err().kind(), ErrorKind::Invalid);
    }
    batch.advance(1);
    assert!(batch.first_envelope().is_none());
}

#[test]
fn the_first_event_moves_to_another_batch_whatever_its_topic_is() {
    let mut from = Batch::new();
    let block = from.add_block(Bytes::from_static(b"a1\xff2"));
    assert!(from.push_span(block, 0..1, 1..2));
    assert!(from.push_span(block, 2..3, 3..4));
    let mut to = Batch::new();
    assert!(from.move_first_to(&mut to));
    assert_eq!((text(&to).as_str(), from.len()), ("a1", 1));
    assert!(from.move_first_to(&mut to) && !from.move_first_to(&mut to));
    assert_eq!(to.iter().last().unwrap().topic, b"\xff");
    assert!(from.blocks.is_empty());
}

#[test]
fn edit_keeps_replaces_and_drops_what_is_left_and_nothing_else() {
    let mut batch = of_four();
    batch.advance(1);
    let mut seen = Vec::new();
    batch.edit(|event| {
        seen.push(event.topic.to_vec());
        match event.topic {
            b"b" => Edit::Drop,
            b"c" => Edit::Replace(Bytes::from_static(b"three")),
            _ => Edit::Keep,
        }
    });
    assert_eq!(seen, [b"b", b"c", b"d"]);
    assert_eq!(text(&batch), "cthree d4");
    batch.edit(|_| Edit::Drop);
    assert!(batch.is_empty() && batch.blocks.is_empty());
}

#[test]
fn a_batch_that_is_used_again_allocates_nothing_and_frees_its_blocks() {
    let block = Bytes::from(vec![b'D'; 64]);
    let mut batch = Batch::new();
    let fill = |batch: &mut Batch| {
        let id = batch.add_block(block.clone());
        for _ in 0..32 {
            assert!(batch.push_span(id, 0..1, 1..64));
        }
    };
    fill(&mut batch);
    let places = (batch.blocks.as_ptr(), batch.spans.as_ptr());
    for _ in 0..3 {
        batch.advance(32);
        assert!(batch.blocks.is_empty());
        fill(&mut batch);
        assert_eq!((batch.blocks.as_ptr(), batch.spans.as_ptr()), places);
    }
    assert!(size_of::<Span>() <= 32, "two frames of three 32-bit numbers, a source, and its number there");
}

#[test]
fn what_is_appended_follows_in_order_and_leaves_the_other_empty() {
    let mut one = Batch::new();
    let block = one.add_block(Bytes::from_static(b"a1b2"));
    assert!(one.push_span(block, 0..1, 1..2));
    assert!(one.push_span(block, 2..3, 3..4));
    let mut other = Batch::new();
    let block = other.add_block(Bytes::from_static(b"c3d4"));
    assert!(other.push_span(block, 0..1, 1..2));
    assert!(other.push_span(block, 2..3, 3..4));
    other.advance(1);
    one.advance(1);
    one.append(&mut other);
    assert!(other.is_empty());
    let all: Vec<_> = one.iter().map(|event| (event.topic, event.payload)).collect();
    assert_eq!(all, [(&b"b"[..], &b"2"[..]), (b"d", b"4")]);
}

#[test]
fn events_keep_their_source_and_number_through_all_that_is_done_with_them() {
    let source =
        |peer, first, count, sent_before| Source { peer: PeerId(peer), worker: 9, first, count, sent_before };
    let numbered = |source: Source| {
        let mut batch = Batch::new();
        let block = batch.add_block(Bytes::from_static(b"a1b2c3"));
        let id = batch.add_source(source);
        for nth in [0, 2] {
            let at = nth as usize * 2;
            assert!(batch.push_span(block, at..at + 1, at + 1..at + 2));
            batch.number_last(id, nth);
        }
        batch
    };
    let numbers = |batch: &Batch| -> Vec<_> {
        batch.iter().map(|event| event.origin.map(|origin| (origin.number, origin.sent_before))).collect()
    };
    let mut batch = Batch::new();
    batch.push(envelope("u", "0"));
    batch.append(&mut numbered(source(1, 5, 3, 5)));
    batch.append(&mut numbered(source(2, 1, 3, 0)));
    let wanted = [None, Some((5, true)), Some((7, false)), Some((1, false)), Some((3, false))];
    assert_eq!(numbers(&batch), wanted);
    assert_eq!(batch.sources().iter().map(Source::last).collect::<Vec<_>>(), [7, 3]);

    batch.edit(
        |event| if event.topic == b"u" { Edit::Drop } else { Edit::Replace(Bytes::from_static(b"new")) },
    );
    assert_eq!(numbers(&batch), wanted[1..]);
    let mut other = Batch::new();
    batch.advance(1);
    assert!(batch.move_first_to(&mut other));
    assert_eq!(numbers(&other), wanted[2..3]);
    assert_eq!(other.sources(), [source(1, 7, 1, 5)]);

    let mut none_left = Batch::new();
    none_left.add_source(source(1, 1, 4, 0));
    let mut holder = Batch::new();
    holder.append(&mut none_left);
    assert_eq!(holder.sources().len(), 1, "numbers whose events were dropped are still to be acknowledged");
}

#[test]
fn a_run_of_a_framed_block_ends_where_an_event_is_elsewhere() {
    let mut batch = of_four();
    assert!(batch.framed_run().is_none(), "no block is framed");
    let mut framed = Batch::new();
    let block = framed.add_framed_block(Bytes::from_static(b"d4e5f6"));
    for at in [0, 2, 4] {
        assert!(framed.push_span(block, at..at + 1, at + 1..at + 2));
    }
    framed.push(envelope("g", "7"));
    let length = |batch: &Batch| batch.framed_run().map(|run| run.events().len());
    assert_eq!(length(&framed), Some(3));
    framed.advance(1);
    let replace = |event: crate::EncodedEvent<'_>| match event.topic {
        b"f" => Edit::Replace(Bytes::from_static(b"8")),
        _ => Edit::Keep,
    };
    framed.edit(replace);
    assert_eq!(length(&framed), Some(1), "a replaced payload is in another block");
    let before = batch.len();
    batch.append(&mut framed);
    batch.advance(before);
    let run = batch.framed_run().unwrap();
    assert_eq!((&run.block()[..], run.events().collect::<Vec<_>>()), (&b"d4e5f6"[..], vec![(2..3, 3..4)]));
    batch.advance(1);
    assert_eq!(length(&batch), None);
    batch.clear();
    assert!(batch.framed_run().is_none());
}
