//! Whatever was missed before and whatever arrives meanwhile, a comparison ends in the content of the database.

use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::prelude::*;
use pubsub_api::{Action, Event, Value};

use super::{compare, compare_for_long, row};
use crate::tests::{A, B, contents, event, merge, with_version};
use crate::{DatabaseRow, Table};
use delivery::subscriber::DeliveryMode;

/// A write to the database and its event, which arrives late, or never before the comparison.
#[derive(Debug, Clone)]
struct Written {
    event: Event,
    is_missed: bool,
}

/// Writes of two publishers to four rows; the versions of a row rise by one, from 1 after a delete.
fn writes() -> impl Strategy<Value = Vec<Written>> {
    vec((A..=B, 0..4_u8, any::<bool>(), any::<bool>()), 0..40).prop_map(|drawn| {
        let mut versions = BTreeMap::<u8, u64>::new();
        let writes = drawn.into_iter().enumerate().map(|(index, (publisher, key, is_set, is_missed))| {
            let number = index as u64 + 1;
            let version = versions.entry(key).or_default();
            *version = if is_set { *version + 1 } else { 0 };
            let text = format!("v{number}");
            let event = event(publisher, number, &key.to_string(), is_set.then_some(text.as_str()));
            let event = if is_set { with_version(*version, event) } else { event };
            Written { event, is_missed }
        });
        writes.collect()
    })
}

fn database(writes: &[Written]) -> Vec<DatabaseRow> {
    let mut rows = BTreeMap::new();
    for Written { event, .. } in writes {
        let key = event.key.clone().unwrap();
        match &event.value {
            Value::Text(text) if event.action == Action::Set => {
                rows.insert(key.clone(), row(&key, text, event.version));
            }
            _ => drop(rows.remove(&key)),
        }
    }
    rows.into_values().collect()
}

proptest! {
    #[test]
    fn after_a_comparison_the_table_is_the_database_whatever_was_missed_before(writes in writes()) {
        let mut table = Table::default();
        for written in writes.iter().filter(|written| !written.is_missed) {
            merge(&mut table, DeliveryMode::Live, written.event.clone());
        }
        table.begin_comparison();
        let (rows, before) = (database(&writes), contents(&table));
        let compared = compare_for_long(&mut table, &rows);
        let wanted: BTreeMap<_, _> =
            rows.iter().map(|row| (row.key.clone(), Value::from(row.value.clone()))).collect();
        prop_assert_eq!(&contents(&table), &wanted);

        let mut after = before;
        for event in &compared.events {
            let key = event.key.clone().unwrap();
            match event.action {
                Action::Delete => prop_assert!(after.remove(&key).is_some()),
                _ => prop_assert_ne!(after.insert(key, event.value.clone()), Some(event.value.clone())),
            }
        }
        prop_assert_eq!(&after, &wanted, "the differences are all the differences");
    }

    #[test]
    fn events_that_come_while_and_after_the_database_is_read_end_in_what_it_holds_then(
        writes in writes(),
        cuts in (0..40_usize, 0..40_usize, 0..40_usize),
    ) {
        // Events arrive in order. The database is read at `read`, ahead of the events: those up to `began` arrived
        // before, those up to `compared` arrive while it is read.
        let bound = |cut: usize| cut.min(writes.len());
        let mut cuts = [bound(cuts.0), bound(cuts.1), bound(cuts.2)];
        cuts.sort_unstable();
        let [began, compared, read] = cuts;
        let mut table = Table::default();
        let report = |table: &mut Table, range: std::ops::Range<usize>, may_miss: bool| {
            for written in writes.get(range).unwrap_or_default() {
                if !(may_miss && written.is_missed) {
                    merge(table, DeliveryMode::Live, written.event.clone());
                }
            }
        };
        report(&mut table, 0..began, true);
        table.begin_comparison();
        report(&mut table, began..compared, false);
        let first = compare(&mut table, &database(&writes[..read]));
        report(&mut table, compared..writes.len(), false);
        if first.unconfirmed > 0 {
            let later = compare_for_long(&mut table, &database(&writes));
            prop_assert!(later.events.iter().all(|event| event.action == Action::Delete), "{later:?}");
        }
        let wanted: BTreeMap<_, _> = database(&writes)
            .into_iter()
            .map(|row| (row.key.clone(), Value::from(row.value)))
            .collect();
        prop_assert_eq!(contents(&table), wanted);
    }
}
