use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use pubsub_api::{ErrorKind, Reply};

use super::{MAX_BYTES, Replies};
use crate::subscriber::sub::link_state::LinkState;
use crate::subscriber::sub::queue::Item;
use crate::subscriber::sub::received_events::{ReceivedEvents, Span};

/// A block of one event on topic `a`, of this number of bytes in all.
fn block(bytes: usize) -> Item {
    let block = Bytes::from(vec![b'a'; bytes]);
    Item::Events(ReceivedEvents::new(block, VecDeque::from([Span { topic: 0..1, payload: 1..bytes }])))
}

async fn next(replies: &Replies) -> String {
    match replies.next().await.unwrap() {
        Reply::Part { endpoint, envelope } => format!("{endpoint}: {} bytes", envelope.payload.len()),
        Reply::Lost { endpoint, reason } => format!("{endpoint}: lost, {reason}"),
        Reply::Refused { endpoint, reason } => format!("{endpoint}: refused, {reason}"),
    }
}

#[tokio::test]
async fn when_full_it_takes_nothing_until_half_is_read() {
    let (replies, link, one) = (Replies::default(), LinkState::default(), Arc::from("one"));
    let mut blocks: VecDeque<Item> = (0..6).map(|_| block(MAX_BYTES / 4)).collect();
    replies.offer(&one, &link, &mut blocks).unwrap();
    assert_eq!(blocks.len(), 2);
    next(&replies).await;
    replies.offer(&one, &link, &mut blocks).unwrap();
    assert_eq!((blocks.len(), replies.read()[1].depth), (1, MAX_BYTES as u64));
    let room = replies.room();
    tokio::pin!(room);
    for wanted in [false, true] {
        next(&replies).await;
        let there = tokio::time::timeout(std::time::Duration::ZERO, &mut room).await.is_ok();
        assert_eq!(there, wanted);
    }
}

#[tokio::test]
async fn a_loss_comes_after_what_arrived_before_it_and_not_twice_in_a_row() {
    let (replies, link) = (Replies::default(), LinkState::default());
    let (one, other): (Arc<str>, Arc<str>) = (Arc::from("one"), Arc::from("other"));
    replies.offer(&one, &link, &mut VecDeque::from([block(3)])).unwrap();
    for reason in ["first", "second"] {
        replies.lose(&one, reason.to_owned());
        replies.lose(&other, reason.to_owned());
    }
    replies.offer(&one, &link, &mut VecDeque::from([block(2)])).unwrap();
    replies.lose(&one, "third".to_owned());
    replies.close();
    for wanted in
        ["one: 2 bytes", "one: lost, first", "other: lost, first", "one: 1 bytes", "one: lost, third"]
    {
        assert_eq!(next(&replies).await, wanted);
    }
    assert_eq!(replies.next().await.unwrap_err().kind(), ErrorKind::Closed);
    assert!(replies.offer(&one, &link, &mut VecDeque::from([block(2)])).is_err());
}

#[tokio::test]
async fn nothing_comes_of_a_link_that_was_left() {
    let (replies, link, one) = (Replies::default(), LinkState::default(), Arc::from("one"));
    link.leave();
    assert!(replies.offer(&one, &link, &mut VecDeque::from([block(3)])).is_err());
}
