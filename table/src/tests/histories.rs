//! Tests: events of two publishers about the same rows, in any order and with any gaps.

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::collection::vec;
use proptest::prelude::*;
use pubsub_api::{Action, Event, SEND_ALL};

use super::{A, B, Contents, contents, event, merge, replace, snapshot, with_version};
use crate::Table;
use delivery::subscriber::DeliveryMode;

/// Events of two publishers about four rows, in the order in which they were published.
pub(super) fn history() -> impl Strategy<Value = Vec<(u64, Event)>> {
    vec((A..=B, 0..4_u8, any::<bool>()), 0..40).prop_map(|drawn| {
        let events = drawn.into_iter().enumerate().map(|(index, (publisher, key, is_set))| {
            let number = index as u64 + 1;
            let text = format!("v{number}");
            (publisher, event(publisher, number, &key.to_string(), is_set.then_some(text.as_str())))
        });
        events.collect()
    })
}

pub(super) fn versioned(history: Vec<(u64, Event)>) -> Vec<(u64, Event)> {
    let version = |event: &Event| event.stamp.unwrap().sequence;
    history.into_iter().map(|(publisher, event)| (publisher, with_version(version(&event), event))).collect()
}

pub(super) fn fold<'a>(events: impl IntoIterator<Item = &'a Event>) -> Contents {
    let mut contents = Contents::new();
    for event in events {
        let key = event.key.clone().unwrap();
        match event.action {
            Action::Delete => contents.remove(&key),
            _ => contents.insert(key, event.value.clone()),
        };
    }
    contents
}

pub(super) fn of(publisher: u64, history: &[(u64, Event)]) -> Vec<Event> {
    history.iter().filter(|(of, _)| *of == publisher).map(|(_, event)| event.clone()).collect()
}

proptest! {
    #[test]
    fn any_interleaving_of_two_publishers_versions_ends_in_the_same_table(
        history in history().prop_map(versioned),
        turns in vec(any::<bool>(), 40),
    ) {
        let (mut of_a, mut of_b) = (of(A, &history).into_iter(), of(B, &history).into_iter());
        let mut table = Table::default();
        for is_a in turns {
            let next = if is_a { of_a.next() } else { of_b.next() };
            if let Some(event) = next {
                merge(&mut table, DeliveryMode::Live, event);
            }
        }
        for event in of_a.chain(of_b) {
            merge(&mut table, DeliveryMode::Live, event);
        }
        prop_assert_eq!(contents(&table), fold(history.iter().map(|(_, event)| event)));
    }

    #[test]
    fn a_snapshot_after_any_prefix_gives_the_table_of_the_full_stream(
        history in history(),
        has_versions in any::<bool>(),
        names_deletes in any::<bool>(),
        cut in 0..40_usize,
    ) {
        let history = if has_versions { versioned(history) } else { history };
        let mut table = Table::default();
        for (index, (publisher, event)) in history.iter().enumerate() {
            if *publisher == B || index < cut {
                merge(&mut table, DeliveryMode::Live, event.clone());
            }
        }
        let latest: BTreeMap<_, _> = of(A, &history).into_iter().map(|row| (row.key.clone(), row)).collect();
        // A publisher may have forgotten deletes, but it must know those of rows that another one has written since.
        let last_writer = |row: &Event| {
            let of_row = history.iter().rev().find(|(_, event)| event.key == row.key);
            of_row.is_some_and(|(publisher, _)| *publisher == A)
        };
        let is_named = |row: &&Event| {
            let b_has_it = of(B, &history).iter().any(|event| event.key == row.key);
            names_deletes || row.action != Action::Delete || b_has_it || !last_writer(row)
        };
        let before = contents(&table);
        let differences = replace(&mut table, &snapshot(A, latest.values().filter(is_named)));
        prop_assert_eq!(contents(&table), fold(history.iter().map(|(_, event)| event)));

        let mut after = before;
        for difference in &differences.events {
            let key = difference.key.clone().unwrap();
            match difference.action {
                Action::Delete => prop_assert!(after.remove(&key).is_some(), "a delete of a row that was there"),
                _ => prop_assert_ne!(after.insert(key, difference.value.clone()), Some(difference.value.clone())),
            }
        }
        prop_assert_eq!(contents(&table), after, "the differences are all the differences");
    }

    #[test]
    fn a_replay_of_what_was_missed_gives_the_table_of_the_full_stream(
        history in history(),
        overlap in 0..10_usize,
        cut in 0..40_usize,
    ) {
        let mut table = Table::default();
        for (index, (publisher, event)) in history.iter().enumerate() {
            if *publisher == B || index < cut {
                merge(&mut table, DeliveryMode::Live, event.clone());
            }
        }
        let missed = history.iter().enumerate().filter(|(index, _)| index + overlap >= cut);
        for (_, (_, event)) in missed.filter(|(_, (publisher, _))| *publisher == A) {
            merge(&mut table, DeliveryMode::Replay, event.clone());
        }
        prop_assert_eq!(contents(&table), fold(history.iter().map(|(_, event)| event)));
    }

    #[test]
    fn the_counts_of_rows_are_right_whatever_comes(
        history in history(),
        snapshots in vec((A..=B, 0..40_usize), 0..4),
    ) {
        let mut table = Table::default();
        for (_, event) in &history {
            merge(&mut table, DeliveryMode::Live, event.clone());
        }
        for (publisher, from) in snapshots {
            let known = of(publisher, &history).into_iter().skip(from);
            let rows: BTreeMap<_, _> = known.map(|row| (row.key.clone(), row)).collect();
            replace(&mut table, &snapshot(publisher, rows.values()));
            let owned = |row: &&Arc<Event>| row.stamp.is_some_and(|stamp| stamp.publisher == publisher);
            let counted = table.owners.rows_of(&(publisher, SEND_ALL));
            prop_assert_eq!(table.iter().filter(owned).count(), counted);
            prop_assert_eq!(table.iter().count(), table.len());
            prop_assert!(counted <= rows.len(), "the publisher has no rows that it does not know");
        }
    }
}
