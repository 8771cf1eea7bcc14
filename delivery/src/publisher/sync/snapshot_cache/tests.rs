use std::time::Duration;

use bytes::Bytes;
use proptest::prelude::{Just, Strategy, any, prop, prop_assert_eq, prop_oneof, proptest};
use pubsub_api::wire::{EventRef, RowRef, plain_row};
use pubsub_api::{Action, Envelope, Event, SEND_ALL, Value};

use super::SnapshotCache;
use super::Unfit;
use crate::Position;

fn at(number: u64) -> Position {
    Position { epoch: 7, sequence: number }
}

const NOW: Duration = Duration::from_secs(1);

fn event(key: &str, action: Action, value: impl Into<Value>) -> Event {
    Event::new("lport", key, action, value, SEND_ALL)
}

fn observe(cache: &mut SnapshotCache, number: u64, event: &Event, now: Duration) -> Vec<(Bytes, Unfit)> {
    let payload = Envelope::pack(event).unwrap().payload;
    match plain_row(b"D", &payload).filter(|_| number.is_multiple_of(2)) {
        Some(row) => cache.observe_run(b"D", at(number), [(row, &payload[..])].into_iter(), now),
        None => {
            let row = RowRef::find(&payload).unwrap();
            cache.observe(b"D", at(number), Some((&row, &payload)), now)
        }
    }
}

fn rows(cache: &SnapshotCache) -> Option<(u64, Vec<String>)> {
    let snapshot = cache.snapshot(b"D")?;
    let row = |payload: &Bytes| {
        let event = EventRef::read(b"D", payload).unwrap().to_event();
        format!("{} {} {:?}", event.action, event.key.unwrap(), event.value)
    };
    Some((snapshot.number, snapshot.payloads.iter().map(row).collect()))
}

#[test]
fn a_snapshot_is_the_latest_event_of_each_row_and_deletions_stay_for_a_while() {
    let mut cache = SnapshotCache::new(1 << 20);
    observe(&mut cache, 1, &event("a", Action::Create, "1"), NOW);
    observe(&mut cache, 2, &event("b", Action::Create, "2"), NOW);
    observe(&mut cache, 3, &event("a", Action::Set, "3"), NOW);
    observe(&mut cache, 4, &event("b", Action::Delete, None), NOW);
    let both = [r#"set a Text("3")"#.to_owned(), "delete b Nil".to_owned()];
    assert_eq!(rows(&cache), Some((4, both.to_vec())));
    cache.sweep(NOW + Duration::from_secs(599), |_| true);
    assert_eq!(rows(&cache), Some((4, both.to_vec())));
    cache.sweep(NOW + Duration::from_secs(600), |_| true);
    assert_eq!(rows(&cache), Some((4, both[..1].to_vec())));
    cache.sweep(NOW, |_| false);
    assert_eq!((rows(&cache), cache.bytes()), (None, 0));
}

#[test]
fn an_event_of_any_action_is_its_rows_latest_and_one_of_no_row_costs_no_snapshot() {
    let mut cache = SnapshotCache::new(1 << 20);
    observe(&mut cache, 1, &event("a", Action::Set, "1"), NOW);
    let about_no_row = [
        Event { key: None, ..event("a", Action::Set, "1") },
        Event { table: None, ..event("a", Action::Set, "1") },
        event("a", Action::Sync, "1"),
    ];
    for (number, other) in (2..).zip(&about_no_row) {
        assert_eq!(observe(&mut cache, number, other, NOW), [], "{other:?}");
    }
    observe(&mut cache, 5, &event("a", Action::from("poke"), "2"), NOW);
    observe(&mut cache, 6, &event("b", Action::Set, None), NOW);
    let both = [r#"poke a Text("2")"#.to_owned(), "set b Nil".to_owned()];
    assert_eq!(rows(&cache), Some((6, both.to_vec())));
    let left_out = [0, 2, 3, 4].map(|number| cache.size_of(b"D", number).unwrap().1);
    assert_eq!(left_out, [3, 2, 1, 0], "a subscriber that misses them can learn of it");
    for number in 7..200 {
        observe(&mut cache, number, &event("a", Action::Sync, "1"), NOW);
    }
    let left_out = cache.size_of(b"D", 1).unwrap().1;
    assert!((64..=196).contains(&left_out), "bounded: {left_out}");
}

#[test]
fn a_topic_without_rows_has_no_snapshot() {
    let mut cache = SnapshotCache::new(1 << 20);
    observe(&mut cache, 1, &event("a", Action::Sync, "1"), NOW);
    assert_eq!((rows(&cache), cache.size_of(b"D", 0)), (None, None));
    observe(&mut cache, 2, &event("a", Action::Set, "1"), NOW);
    assert!(rows(&cache).is_some());
}

#[test]
fn a_topic_of_which_anything_was_missed_has_no_snapshot() {
    let mut cache = SnapshotCache::new(1 << 20);
    let set = event("a", Action::Set, "1");
    let reported: Vec<_> = (2..5).flat_map(|number| observe(&mut cache, number, &set, NOW)).collect();
    assert_eq!(
        reported,
        [(Bytes::from("D"), Unfit::Incomplete)],
        "it did not begin at 1, which is reported once"
    );
    observe(&mut cache, 1, &set, NOW);
    assert_eq!(rows(&cache), None, "it does not come back");
    for next in [1, 3, 9] {
        let mut cache = SnapshotCache::new(1 << 20);
        observe(&mut cache, 1, &event("a", Action::Set, "1"), NOW);
        let gone = observe(&mut cache, next, &event("a", Action::Set, "1"), NOW);
        assert_eq!((gone[0].1, rows(&cache)), (Unfit::Incomplete, None), "number {next}");
    }
    let mut cache = SnapshotCache::new(1 << 20);
    observe(&mut cache, 1, &set, NOW);
    assert_eq!(cache.observe(b"D", at(2), None, NOW)[0].1, Unfit::Incomplete, "a record of a loss");
}

#[test]
fn the_largest_topic_is_removed_when_the_cache_is_full() {
    let mut cache = SnapshotCache::new(4000);
    let put = |cache: &mut SnapshotCache, topic: &'static str, number| {
        let event = event(&format!("{number}"), Action::Set, "x".repeat(500));
        let payload = Envelope::pack(&event).unwrap().payload;
        let row = RowRef::find(&payload).unwrap();
        cache.observe(topic.as_bytes(), at(number), Some((&row, &payload)), NOW)
    };
    assert!(put(&mut cache, "small", 1).is_empty());
    let gone: Vec<_> = (1..9).flat_map(|number| put(&mut cache, "large", number)).collect();
    assert_eq!(gone, [(Bytes::from("large"), Unfit::TooBig)]);
    assert!(cache.bytes() <= 4000 && cache.topics() == 1 && cache.size_of(b"small", 0).is_some());
}

/// An event of one of four rows, or of none.
fn any_event() -> impl Strategy<Value = Event> {
    let action = prop_oneof![
        4 => Just(Action::Set),
        1 => Just(Action::Delete),
        1 => Just(Action::Sync),
        1 => Just(Action::Other("poke".to_owned())),
    ];
    (0..5_u8, action, 0..200_usize).prop_map(|(key, action, bytes)| {
        let event = event(&format!("row-{key}"), action, "v".repeat(bytes));
        Event { key: event.key.filter(|_| key > 0), ..event }
    })
}

proptest! {
    #[test]
    fn a_run_leaves_what_its_events_leave_one_by_one(
        runs in prop::collection::vec((any::<bool>(), prop::collection::vec(any_event(), 1..9)), 0..30),
        bound in prop_oneof![Just(1 << 20), 300..3000_u64],
    ) {
        let (mut single, mut run) = (SnapshotCache::new(bound), SnapshotCache::new(bound));
        let mut number = 0;
        for (segment, (begins_segment, events)) in (1..).zip(runs) {
            let first = number + 1;
            if begins_segment {
                single.begin_segment(segment);
                run.begin_segment(segment);
            }
            let payloads: Vec<Bytes> = events.iter().map(|event| Envelope::pack(event).unwrap().payload).collect();
            let mut gone = Vec::new();
            for payload in &payloads {
                number += 1;
                let row = RowRef::find(payload).unwrap();
                gone.extend(single.observe(b"D", at(number), Some((&row, payload)), NOW));
            }
            let events = payloads.iter().map(|payload| (plain_row(b"D", payload).unwrap(), &payload[..]));
            let all_gone = run.observe_run(b"D", at(first), events, NOW);
            if gone.is_empty() {
                prop_assert_eq!(run.snapshot(b"D"), single.snapshot(b"D"));
                prop_assert_eq!(run.size_of(b"D", 0), single.size_of(b"D", 0));
                let retains = |cache: &SnapshotCache| (0..=segment).map(|of| cache.retains_of(of)).collect::<Vec<_>>();
                prop_assert_eq!(retains(&run), retains(&single));
            } else {
                // A row that grows within the run, and shrinks again, needs no room for both.
                prop_assert_eq!(gone.first().map(|(_, unfit)| *unfit), Some(Unfit::TooBig));
                prop_assert_eq!(all_gone.is_empty(), run.topics() == 1);
                return Ok(());
            }
            prop_assert_eq!((all_gone, run.bytes()), (gone, single.bytes()));
        }
    }
}
