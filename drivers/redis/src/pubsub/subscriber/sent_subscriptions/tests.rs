use std::collections::BTreeSet;

use bytes::{Bytes, BytesMut};
use pubsub_api::Topic;

use super::{Filter, RespFrame, SentSubscriptions, ServerMessage};

fn channel(name: &'static str) -> Filter {
    Filter::Channel(Topic::new(name).unwrap())
}

fn prefix(text: &str) -> Filter {
    Filter::Prefix(text.to_owned())
}

fn list(words: &[&'static str]) -> RespFrame {
    RespFrame::List(words.iter().map(|word| RespFrame::Bulk(Bytes::from_static(word.as_bytes()))).collect())
}

fn confirmation(sort: &'static str) -> RespFrame {
    let RespFrame::List(mut parts) = list(&[sort, "whatever"]) else { unreachable!() };
    parts.push(RespFrame::Int(1));
    RespFrame::List(parts)
}

/// A subscriptions in which all of these are confirmed.
fn confirmed(filters: &[Filter]) -> SentSubscriptions {
    let mut subscriptions = SentSubscriptions::default();
    subscriptions.update(&filters.iter().cloned().collect(), &mut BytesMut::new());
    for _ in filters {
        assert!(matches!(subscriptions.on(confirmation("subscribe")), Some(ServerMessage::Confirmed(_))));
    }
    assert!(subscriptions.is_settled());
    subscriptions
}

fn delivered(message: Option<ServerMessage>) -> bool {
    match message {
        Some(ServerMessage::Event(..)) => true,
        Some(ServerMessage::Nothing) => false,
        other => panic!("{other:?}"),
    }
}

#[test]
fn one_of_the_copies_of_an_event_is_delivered() {
    let mut subscriptions = confirmed(&[channel("a.b"), prefix("a."), prefix("a"), prefix("b")]);
    let copies = [
        list(&["message", "a.b", "x"]),
        list(&["pmessage", "a.*", "a.b", "x"]),
        list(&["pmessage", "a*", "a.b", "x"]),
    ];
    let came = copies.into_iter().map(|copy| delivered(subscriptions.on(copy)));
    assert_eq!(came.collect::<Vec<_>>(), [true, false, false]);
    let copies = [list(&["pmessage", "a.*", "a.c", "x"]), list(&["pmessage", "a*", "a.c", "x"])];
    let came = copies.into_iter().map(|copy| delivered(subscriptions.on(copy)));
    assert_eq!(came.collect::<Vec<_>>(), [false, true], "the shortest prefix counts");
}

#[test]
fn the_filters_confirmed_at_an_events_place_decide_which_copy_is_delivered() {
    let mut subscriptions = confirmed(&[channel("a.b")]);
    let mut out = BytesMut::new();
    subscriptions.update(&BTreeSet::from([prefix("a.")]), &mut out);
    assert!(out.starts_with(b"*2\r\n$10\r\nPSUBSCRIBE"), "new ones come first: {out:?}");
    assert!(delivered(subscriptions.on(list(&["message", "a.b", "1"]))), "neither is confirmed yet");
    assert!(matches!(subscriptions.on(confirmation("psubscribe")), Some(ServerMessage::Confirmed(_))));
    assert!(delivered(subscriptions.on(list(&["message", "a.b", "2"]))));
    assert!(!delivered(subscriptions.on(list(&["pmessage", "a.*", "a.b", "2"]))));
    assert_eq!(subscriptions.on(confirmation("unsubscribe")), Some(ServerMessage::Nothing));
    assert!(delivered(subscriptions.on(list(&["pmessage", "a.*", "a.b", "3"]))));
}

#[test]
fn a_filter_that_is_removed_and_requested_again_at_once_is_confirmed_in_the_end() {
    let mut subscriptions = confirmed(&[channel("a")]);
    let mut out = BytesMut::new();
    subscriptions.update(&BTreeSet::new(), &mut out);
    subscriptions.update(&BTreeSet::from([channel("a")]), &mut out);
    assert!(!subscriptions.is_settled());
    assert_eq!(subscriptions.on(confirmation("unsubscribe")), Some(ServerMessage::Nothing));
    assert_eq!(subscriptions.on(confirmation("subscribe")), Some(ServerMessage::Confirmed(channel("a"))));
    assert!(subscriptions.is_settled() && subscriptions.channels.contains(&b"a"[..]));
}

#[test]
fn a_refusal_belongs_to_the_oldest_request_and_can_be_retried() {
    let mut subscriptions = SentSubscriptions::default();
    let mut out = BytesMut::new();
    subscriptions.update(&BTreeSet::from([channel("a"), channel("b")]), &mut out);
    subscriptions.ping(&mut out);
    let line = "NOPERM no".to_owned();
    let message = subscriptions.on(RespFrame::Refused(line.clone()));
    assert_eq!(message, Some(ServerMessage::Refused(channel("a"), line.clone())));
    assert!(!subscriptions.is_settled() && subscriptions.has_refused());
    assert_eq!(subscriptions.on(confirmation("subscribe")), Some(ServerMessage::Confirmed(channel("b"))));
    assert_eq!(subscriptions.on(list(&["pong", ""])), Some(ServerMessage::Nothing));
    assert!(subscriptions.is_settled());
    out.clear();
    subscriptions.retry(&mut out);
    assert_eq!(out, &b"*2\r\n$9\r\nSUBSCRIBE\r\n$1\r\na\r\n"[..]);
    assert_eq!(subscriptions.on(confirmation("subscribe")), Some(ServerMessage::Confirmed(channel("a"))));
    assert!(!subscriptions.has_refused());
    subscriptions.update(&BTreeSet::new(), &mut out);
    assert!(!subscriptions.has_refused());
}

#[test]
fn invalid_frames_are_rejected() {
    for nonsense in [
        RespFrame::Int(1),
        RespFrame::Nil,
        RespFrame::Status("PONG".to_owned()),
        RespFrame::Refused("ERR what".to_owned()),
        RespFrame::List(vec![]),
        list(&["message", "a"]),
        list(&["pmessage", "a*", "a"]),
        list(&["smessage", "a", "x"]),
        confirmation("subscribe"),
    ] {
        assert_eq!(SentSubscriptions::default().on(nonsense.clone()), None, "{nonsense:?}");
    }
}
