use std::collections::BTreeSet;

use bytes::{Bytes, BytesMut};
use pubsub_api::Topic;

use super::{Filter, Frame, Heard, Placement};

fn channel(name: &'static str) -> Filter {
    Filter::Channel(Topic::new(name).unwrap())
}

fn prefix(text: &str) -> Filter {
    Filter::Prefix(text.to_owned())
}

fn list(words: &[&'static str]) -> Frame {
    Frame::List(words.iter().map(|word| Frame::Bulk(Bytes::from_static(word.as_bytes()))).collect())
}

fn confirmation(sort: &'static str) -> Frame {
    let Frame::List(mut parts) = list(&[sort, "whatever"]) else { unreachable!() };
    parts.push(Frame::Int(1));
    Frame::List(parts)
}

/// A placement to which all of these are confirmed.
fn confirmed(filters: &[Filter]) -> Placement {
    let mut placement = Placement::default();
    placement.want(&filters.iter().cloned().collect(), &mut BytesMut::new());
    for _ in filters {
        assert!(matches!(placement.on(confirmation("subscribe")), Some(Heard::Confirmed(_))));
    }
    assert!(placement.is_settled());
    placement
}

fn delivered(heard: Option<Heard>) -> bool {
    match heard {
        Some(Heard::Event(..)) => true,
        Some(Heard::Nothing) => false,
        other => panic!("{other:?}"),
    }
}

#[test]
fn of_the_copies_of_an_event_one_is_delivered() {
    let mut placement = confirmed(&[channel("a.b"), prefix("a."), prefix("a"), prefix("b")]);
    let copies = [
        list(&["message", "a.b", "x"]),
        list(&["pmessage", "a.*", "a.b", "x"]),
        list(&["pmessage", "a*", "a.b", "x"]),
    ];
    let came = copies.into_iter().map(|copy| delivered(placement.on(copy)));
    assert_eq!(came.collect::<Vec<_>>(), [true, false, false]);
    let copies = [list(&["pmessage", "a.*", "a.c", "x"]), list(&["pmessage", "a*", "a.c", "x"])];
    let came = copies.into_iter().map(|copy| delivered(placement.on(copy)));
    assert_eq!(came.collect::<Vec<_>>(), [false, true], "the shortest prefix counts");
}

#[test]
fn what_counts_is_what_the_server_had_confirmed_at_that_place() {
    let mut placement = confirmed(&[channel("a.b")]);
    let mut out = BytesMut::new();
    placement.want(&BTreeSet::from([prefix("a.")]), &mut out);
    assert!(out.starts_with(b"*2\r\n$10\r\nPSUBSCRIBE"), "new ones come first: {out:?}");
    assert!(delivered(placement.on(list(&["message", "a.b", "1"]))), "neither is done yet");
    assert!(matches!(placement.on(confirmation("psubscribe")), Some(Heard::Confirmed(_))));
    assert!(delivered(placement.on(list(&["message", "a.b", "2"]))));
    assert!(!delivered(placement.on(list(&["pmessage", "a.*", "a.b", "2"]))));
    assert_eq!(placement.on(confirmation("unsubscribe")), Some(Heard::Nothing));
    assert!(delivered(placement.on(list(&["pmessage", "a.*", "a.b", "3"]))));
}

#[test]
fn what_is_taken_away_and_asked_for_again_at_once_is_there_in_the_end() {
    let mut placement = confirmed(&[channel("a")]);
    let mut out = BytesMut::new();
    placement.want(&BTreeSet::new(), &mut out);
    placement.want(&BTreeSet::from([channel("a")]), &mut out);
    assert!(!placement.is_settled());
    assert_eq!(placement.on(confirmation("unsubscribe")), Some(Heard::Nothing));
    assert_eq!(placement.on(confirmation("subscribe")), Some(Heard::Confirmed(channel("a"))));
    assert!(placement.is_settled() && placement.channels.contains(&b"a"[..]));
}

#[test]
fn a_refusal_is_of_the_one_that_was_asked_for_and_can_be_tried_again() {
    let mut placement = Placement::default();
    let mut out = BytesMut::new();
    placement.want(&BTreeSet::from([channel("a"), channel("b")]), &mut out);
    placement.ping(&mut out);
    let line = "NOPERM no".to_owned();
    let heard = placement.on(Frame::Refused(line.clone()));
    assert_eq!(heard, Some(Heard::Refused(channel("a"), line.clone())));
    assert!(!placement.is_settled() && placement.has_refused());
    assert_eq!(placement.on(confirmation("subscribe")), Some(Heard::Confirmed(channel("b"))));
    assert_eq!(placement.on(list(&["pong", ""])), Some(Heard::Nothing));
    assert!(placement.is_settled());
    out.clear();
    placement.retry(&mut out);
    assert_eq!(out, &b"*2\r\n$9\r\nSUBSCRIBE\r\n$1\r\na\r\n"[..]);
    assert_eq!(placement.on(confirmation("subscribe")), Some(Heard::Confirmed(channel("a"))));
    assert!(!placement.has_refused());
    placement.want(&BTreeSet::new(), &mut out);
    assert!(!placement.has_refused());
}

#[test]
fn what_a_server_does_not_say_is_not_understood() {
    for nonsense in [
        Frame::Int(1),
        Frame::Nil,
        Frame::Status("PONG".to_owned()),
        Frame::Refused("ERR what".to_owned()),
        Frame::List(vec![]),
        list(&["message", "a"]),
        list(&["pmessage", "a*", "a"]),
        list(&["smessage", "a", "x"]),
        confirmation("subscribe"),
    ] {
        assert_eq!(Placement::default().on(nonsense.clone()), None, "{nonsense:?}");
    }
}
