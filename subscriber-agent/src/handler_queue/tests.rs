use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;
use pubsub_api::{Action, Event, SEND_ALL, Value};
use tokio::time::Instant;

use super::queue::{Offer, OfferOutcome, Queue};
use crate::{Change, QueueLimits};

const AGE: Duration = Duration::from_secs(30);

const LIMITS: QueueLimits = QueueLimits { events: 3, bytes: 10_000, age: AGE, conflate: false };

fn change(key: &str, value: Option<&str>) -> Change {
    let action = if value.is_some() { Action::Set } else { Action::Delete };
    let value = value.map_or(Value::Nil, Value::from);
    Change::live(Arc::new(Event::new("t", key, action, value, SEND_ALL)))
}

fn accepted(dropped: u64) -> Offer {
    Offer { outcome: OfferOutcome::Accepted, dropped }
}

fn rest(queue: &mut Queue) -> Vec<Change> {
    std::iter::from_fn(|| queue.take()).collect()
}

#[test]
fn a_full_queue_accepts_nothing_until_there_is_room_and_drops_nothing() {
    let (mut queue, start) = (Queue::new(LIMITS), Instant::now());
    let changes = ["1", "2", "3", "4"].map(|key| change(key, Some("v")));
    for change in &changes[..3] {
        assert_eq!(queue.offer(change, start), accepted(0));
    }
    let full = Offer { outcome: OfferOutcome::Full { until: start + AGE }, dropped: 0 };
    assert_eq!(queue.offer(&changes[3], start + AGE / 2), full);
    queue.take();
    queue.done();
    assert_eq!(queue.offer(&changes[3], start + AGE / 2), accepted(0));
    assert_eq!(rest(&mut queue), changes[1..]);
}

#[test]
fn bytes_fill_a_queue_too_and_an_event_larger_than_the_bound_waits_alone() {
    let (mut queue, now) = (Queue::new(LIMITS), Instant::now());
    let large = change("large", Some(&"x".repeat(20_000)));
    assert_eq!(queue.offer(&large, now), accepted(0));
    assert!(!queue.has_room_for(&change("small", None)));
    assert!(matches!(queue.offer(&change("small", None), now).outcome, OfferOutcome::Full { .. }));
    queue.take();
    assert_eq!(queue.bytes(), 0);
    assert_eq!(queue.offer(&change("small", None), now), accepted(0));
    assert!(!queue.has_room_for(&large));
}

#[test]
fn events_older_than_the_age_are_dropped_and_counted_only_when_room_is_needed() {
    let (mut queue, start) = (Queue::new(LIMITS), Instant::now());
    for (key, seconds) in [("1", 0), ("2", 1), ("3", 20)] {
        assert_eq!(queue.offer(&change(key, None), start + Duration::from_secs(seconds)), accepted(0));
    }
    assert_eq!(queue.offer(&change("4", None), start + AGE + Duration::from_secs(1)), accepted(2));
    assert_eq!(rest(&mut queue), [change("3", None), change("4", None)]);

    assert_eq!(queue.offer(&change("5", None), start), accepted(0));
    assert_eq!(queue.offer(&change("6", None), start + AGE * 9), accepted(0), "there is room");
}

#[test]
fn a_closed_queue_accepts_nothing_and_blocks_no_caller() {
    let (mut queue, now) = (Queue::new(LIMITS), Instant::now());
    queue.offer(&change("1", None), now);
    queue.close();
    assert_eq!(queue.offer(&change("2", None), now).outcome, OfferOutcome::Closed);
    assert!(queue.has_room_for(&change("2", None)));
    assert_eq!(queue.unfinished().count(), 1);
}

#[test]
fn with_conflation_an_event_replaces_that_of_its_row_when_the_queue_is_full_or_old() {
    let (mut queue, start) = (Queue::new(QueueLimits { conflate: true, ..LIMITS }), Instant::now());
    assert_eq!(queue.offer(&change("a", Some("1")), start), accepted(0));
    assert_eq!(
        queue.offer(&change("a", Some("2")), start),
        accepted(0),
        "there is room, and no event is old"
    );
    assert_eq!(queue.offer(&change("b", Some("1")), start), accepted(0));
    let conflated = Offer { outcome: OfferOutcome::Conflated, dropped: 0 };
    assert_eq!(queue.offer(&change("a", None), start), conflated, "the queue is full");
    assert!(matches!(queue.offer(&change("c", None), start).outcome, OfferOutcome::Full { .. }));
    assert_eq!(queue.take(), Some(change("a", Some("1"))));
    assert_eq!(queue.offer(&change("b", Some("2")), start + AGE), conflated, "the oldest event is old");
    assert_eq!(rest(&mut queue), [change("a", None), change("b", Some("2"))], "the later delete wins");
    assert_eq!(
        queue.offer(&change("a", Some("3")), start),
        accepted(0),
        "no event of its row waits any more"
    );
}

proptest! {
    /// The handler takes events at random times, and the publisher offers an event again until there is room.
    #[test]
    fn with_or_without_conflation_a_handler_ends_with_the_same_rows_in_order(
        events in vec((0..5_u8, any::<bool>()), 0..60),
        takes in vec(0..3_usize, 60),
        conflate in any::<bool>(),
        limit in 1..6_usize,
    ) {
        let limits = QueueLimits { events: limit, bytes: 2_000, age: AGE, conflate };
        let (mut queue, now) = (Queue::new(limits), Instant::now());
        let (mut truth, mut seen) = (BTreeMap::new(), Vec::new());
        for (number, ((key, is_set), take)) in events.iter().zip(&takes).enumerate() {
            let text = number.to_string();
            let change = change(&key.to_string(), is_set.then_some(text.as_str()));
            truth.insert(change.event.key.clone(), change.event.value.clone());
            while matches!(queue.offer(&change, now).outcome, OfferOutcome::Full { .. }) {
                seen.extend(queue.take());
            }
            prop_assert!(queue.len() <= limit && queue.bytes() <= 2_000);
            seen.extend((0..*take).filter_map(|_| queue.take()));
        }
        seen.extend(rest(&mut queue));
        prop_assert_eq!(queue.bytes(), 0);
        prop_assert!(conflate || seen.len() == events.len(), "without conflation no event is missing");
        let table: BTreeMap<_, _> =
            seen.iter().map(|change| (change.event.key.clone(), change.event.value.clone())).collect();
        prop_assert_eq!(table, truth);
        let number = |change: &Change| match &change.event.value {
            Value::Text(text) => text.parse::<usize>().ok(),
            _ => None,
        };
        for key in 0..5_u8 {
            let of_key = seen.iter().filter(|change| change.event.key == Some(key.to_string()));
            prop_assert!(of_key.filter_map(number).is_sorted(), "one row's events stay in order");
        }
    }
}
