use std::collections::VecDeque;
use std::pin::Pin;

use bytes::Bytes;
use pubsub_api::{Batch, ErrorKind, Incoming, Notice, Subscription, Topic};

use super::super::received_events::{ReceivedEvents, Span};
use super::{Abandoned, Item, MAX_BATCH_EVENTS, MAX_QUEUED_BYTES, Queue};
use crate::subscriber::sub::desired_subscriptions::DesiredSubscriptions;
use crate::subscriber::sub::link_state::LinkState;

/// Events on these topics of one byte, each with a payload of one byte more.
fn live() -> Notice {
    Notice::Live { publisher: "p".to_owned(), topic: None }
}

fn events(topics: &str) -> Item {
    let block: Vec<u8> = topics.bytes().flat_map(|topic| [topic, topic]).collect();
    let span = |at: usize| Span { topic: 2 * at..2 * at + 1, payload: 2 * at + 1..2 * at + 2 };
    Item::Events(ReceivedEvents::new(Bytes::from(block), (0..topics.len()).map(span).collect()))
}

fn notice() -> Item {
    Item::Notice(live())
}

fn wanted(topics: &[&str]) -> DesiredSubscriptions {
    let wanted = DesiredSubscriptions::default();
    for topic in topics {
        let subscription: Subscription = Topic::new((*topic).to_owned()).unwrap().into();
        assert!(wanted.insert(subscription).unwrap());
    }
    wanted
}

fn offer(queue: &Queue, items: impl IntoIterator<Item = Item>) -> VecDeque<Item> {
    let mut items = items.into_iter().collect();
    queue.offer(&LinkState::default(), &mut items).unwrap();
    items
}

/// What can be read now, one letter for each event, `!` for a notice.
async fn drained(queue: &Queue, wanted: &DesiredSubscriptions) -> String {
    queue.close();
    let mut came = String::new();
    loop {
        match queue.recv(wanted).await {
            Ok(Incoming::Event(envelope)) => {
                assert_eq!(envelope.topic.as_bytes(), envelope.payload);
                came.push_str(envelope.topic.as_str());
            }
            Ok(Incoming::Notice(_)) => came.push('!'),
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::Closed);
                return came;
            }
        }
    }
}

#[tokio::test]
async fn what_does_not_fit_stays_with_the_link_in_order() {
    let (queue, wanted) = (Queue::new(4), wanted(&["a", "b", "c"]));
    let mut left = offer(&queue, [events("ab"), notice(), events("cab"), notice()]);
    assert_eq!(left.len(), 2, "a part of the events and the last notice");
    assert_eq!(queue.read()[0].depth, 4);
    assert!(matches!(queue.recv(&wanted).await, Ok(Incoming::Event(_))));
    queue.offer(&LinkState::default(), &mut left).unwrap();
    assert_eq!(left.len(), 2, "there is room for one event");
    assert_eq!(drained(&queue, &wanted).await, "b!ca");
}

#[tokio::test]
async fn events_that_are_not_wanted_are_passed_over() {
    let (queue, wanted) = (Queue::new(100), wanted(&["a", "c"]));
    offer(&queue, [events("bab"), notice(), events("bb"), events("cbca")]);
    let mut batch = Batch::new();
    assert_eq!(queue.recv_batch(&wanted, &mut batch).await.unwrap(), Some(live()));
    assert_eq!(batch.len(), 1);
    assert_eq!(queue.recv_batch(&wanted, &mut batch).await.unwrap(), None);
    let topics: Vec<&[u8]> = batch.iter().map(|event| event.topic).collect();
    assert_eq!(topics, [b"a", b"c", b"c", b"a"]);
    assert_eq!(queue.read()[0].depth, 0);
    assert_eq!(queue.read()[1].depth, 0);
}

#[tokio::test]
async fn a_batch_has_a_bound_and_a_notice_after_it_waits() {
    let (queue, wanted) = (Queue::new(10_000), wanted(&["a"]));
    offer(&queue, [events(&"a".repeat(MAX_BATCH_EVENTS)), notice(), events("a")]);
    let mut batch = Batch::new();
    assert_eq!(queue.recv_batch(&wanted, &mut batch).await.unwrap(), None);
    assert_eq!(batch.len(), MAX_BATCH_EVENTS);
    assert_eq!(queue.recv_batch(&wanted, &mut batch).await.unwrap(), Some(live()));
    assert_eq!(batch.len(), MAX_BATCH_EVENTS);
    assert_eq!(drained(&queue, &wanted).await, "a");
}

#[tokio::test]
async fn a_full_queue_calls_the_links_when_half_of_it_is_read() {
    let (queue, wanted) = (Queue::new(4), wanted(&["a"]));
    offer(&queue, [events("aaaaa")]);
    let mut room: Pin<Box<dyn Future<Output = ()>>> = Box::pin(queue.room());
    let is_called = |room: &mut Pin<Box<dyn Future<Output = ()>>>| {
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        room.as_mut().poll(&mut context).is_ready()
    };
    for _ in 0..2 {
        assert!(!is_called(&mut room));
        queue.recv(&wanted).await.unwrap();
    }
    assert!(is_called(&mut room));
}

#[tokio::test]
async fn large_events_fill_it_by_their_bytes() {
    let (queue, wanted) = (Queue::new(1_000_000), wanted(&["a"]));
    let large = MAX_QUEUED_BYTES / 4;
    let block = Bytes::from(vec![b'a'; large + 1]);
    let event = || {
        Item::Events(ReceivedEvents::new(
            block.clone(),
            VecDeque::from([Span { topic: 0..1, payload: 1..large + 1 }]),
        ))
    };
    let left = offer(&queue, (0..10).map(|_| event()));
    assert_eq!(left.len(), 6);
    let mut batch = Batch::new();
    queue.recv_batch(&wanted, &mut batch).await.unwrap();
    assert_eq!(batch.len(), 1, "one is above the bound of a batch");
}

#[tokio::test]
async fn nothing_comes_from_a_link_that_was_left_or_after_the_end() {
    let (queue, wanted) = (Queue::new(10), wanted(&["a"]));
    offer(&queue, [events("a")]);
    let left = LinkState::default();
    left.leave();
    assert_eq!(queue.offer(&left, &mut VecDeque::from([events("a")])), Err(Abandoned));
    assert_eq!(drained(&queue, &wanted).await, "a");
    assert_eq!(queue.offer(&LinkState::default(), &mut VecDeque::from([events("a")])), Err(Abandoned));
}
