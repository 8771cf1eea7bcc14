//! The difference engine: whole states, changes, and hooks.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::{Strategy, any, proptest};

use super::world::{first_column, row};
use crate::tables::published_rows::PublishedRows;
use crate::tables::table_change::TableChange;
use crate::{Difference, KeyColumns, Row};

/// What a service does: publishes its whole state, or a change of it.
#[derive(Debug, Clone)]
struct Step {
    is_whole: bool,
    /// Key, and the value or nothing.
    values: BTreeMap<u64, Option<u64>>,
    /// What the hook does with the difference.
    hook: Hook,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Hook {
    Pass,
    Withhold,
    /// Leaves every second row out.
    Half,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let values = proptest::collection::btree_map(0..8u64, any::<Option<bool>>(), 0..6);
    let hook = proptest::sample::select(vec![Hook::Pass, Hook::Withhold, Hook::Half]);
    let step = (any::<bool>(), values, hook).prop_map(|(is_whole, values, hook)| {
        let values = values.into_iter().map(|(key, value)| (key, value.map(u64::from))).collect();
        Step { is_whole, values, hook }
    });
    proptest::collection::vec(step, 0..12)
}

/// The service's own rows, and the published ones, step by step.
struct Engine {
    rows: PublishedRows,
    key: KeyColumns,
    own: BTreeMap<u64, u64>,
    /// What a follower makes of the published differences.
    fold: BTreeSet<Row>,
}

impl Engine {
    fn new(key: KeyColumns) -> Self {
        let rows = PublishedRows::new(key.clone(), usize::MAX);
        Self { rows, key, own: BTreeMap::new(), fold: BTreeSet::new() }
    }

    fn change(&mut self, step: &Step) -> TableChange {
        let (mut put, mut deleted) = (vec![], vec![]);
        let before = self.own.clone();
        for (key, value) in &step.values {
            match value {
                Some(value) => drop(self.own.insert(*key, *value)),
                None => drop(self.own.remove(key)),
            }
            let old = before.get(key).map(|old| row(*key, *old));
            let new = value.map(|value| row(*key, value));
            put.extend(new.clone());
            // By whole rows, the old one is to be deleted; a keyed one is replaced.
            let gone =
                old.filter(|old| new.is_none() || (self.key == KeyColumns::Row && new.as_ref() != Some(old)));
            deleted.extend(gone.map(|old| self.key.key_of(&old).unwrap()));
        }
        if step.is_whole {
            return TableChange::Rows(self.state().into_iter().collect());
        }
        TableChange::Difference(Difference { put, deleted })
    }

    fn state(&self) -> BTreeSet<Row> {
        self.own.iter().map(|(key, value)| row(*key, *value)).collect()
    }

    fn published(&self) -> BTreeSet<Row> {
        self.rows.published().rows().cloned().collect()
    }

    /// Publishes, and returns the difference.
    fn publish(&mut self, change: TableChange) -> Difference {
        let before = self.published();
        let plan = self.rows.plan(change).unwrap();
        assert_eq!(self.published(), before, "a plan changes nothing");
        let number = plan.effective.len();
        let difference = self.rows.carry_out(plan);
        assert_eq!(number, difference.len());
        let is_deleted = |row: &Row| difference.deleted.contains(&self.key.key_of(row).unwrap());
        let replaced: BTreeSet<_> = difference.put.iter().map(|row| self.key.key_of(row).unwrap()).collect();
        self.fold.retain(|row| !is_deleted(row) && !replaced.contains(&self.key.key_of(row).unwrap()));
        self.fold.extend(difference.put.iter().cloned());
        assert_eq!(self.fold, self.published(), "the differences lead to the rows");
        difference
    }
}

proptest! {
    #[test]
    fn whole_states_and_changes_publish_the_rows_of_the_service_by_the_least_difference(
        steps in steps(), is_keyed: bool
    ) {
        let mut engine = Engine::new(if is_keyed { first_column() } else { KeyColumns::Row });
        for step in steps {
            let before = engine.state();
            let change = engine.change(&step);
            let after = engine.state();
            let difference = engine.publish(change);
            assert_eq!(engine.published(), after);
            let put: BTreeSet<Row> = difference.put.into_iter().collect();
            assert_eq!(put, after.difference(&before).cloned().collect());
            let gone = before.difference(&after).filter(|old| {
                !is_keyed || !put.iter().any(|new| engine.key.key_of(new).unwrap() == engine.key.key_of(old).unwrap())
            });
            assert_eq!(difference.deleted.len(), gone.count());
        }
    }

    #[test]
    fn what_a_hook_withholds_is_in_the_next_difference(steps in steps(), is_keyed: bool) {
        let mut engine = Engine::new(if is_keyed { first_column() } else { KeyColumns::Row });
        let hook = std::sync::Arc::new(std::sync::Mutex::new(Hook::Pass));
        let of_step = std::sync::Arc::clone(&hook);
        engine.rows.set_hook(Box::new(move |difference| {
            assert!(!difference.is_empty(), "a hook sees no empty difference");
            let every_second = |index: usize| index.is_multiple_of(2);
            match *of_step.lock().unwrap() {
                Hook::Pass => Some(difference),
                Hook::Withhold => None,
                Hook::Half => {
                    let put = difference.put.into_iter().enumerate().filter(|(index, _)| every_second(*index));
                    let deleted = difference.deleted.into_iter().enumerate();
                    let deleted = deleted.filter(|(index, _)| every_second(*index));
                    let (put, deleted) = (put.map(|(_, row)| row).collect(), deleted.map(|(_, key)| key).collect());
                    Some(Difference { put, deleted })
                }
            }
        }));
        for step in steps {
            *hook.lock().unwrap() = step.hook;
            let before = engine.published();
            let change = engine.change(&step);
            let after = engine.state();
            engine.publish(change);
            match step.hook {
                Hook::Withhold => assert_eq!(engine.published(), before),
                // All that was withheld before is in it.
                Hook::Pass => assert_eq!(engine.published(), after),
                Hook::Half => {}
            }
        }
    }

    #[test]
    fn a_hook_that_changes_rows_publishes_its_own_and_sees_each_change_once(steps in steps()) {
        let mut engine = Engine::new(first_column());
        let seen = std::sync::Arc::new(std::sync::Mutex::new(0));
        let count = std::sync::Arc::clone(&seen);
        let mask = |row: Row| -> Row {
            let (key, _) = row.get::<(u64, u64)>().unwrap();
            Row::of(&(key, "hidden")).unwrap()
        };
        engine.rows.set_hook(Box::new(move |mut difference| {
            *count.lock().unwrap() += difference.len();
            difference.put = difference.put.into_iter().map(mask).collect();
            Some(difference)
        }));
        for step in steps {
            let before = engine.own.clone();
            let change = engine.change(&step);
            *seen.lock().unwrap() = 0;
            engine.publish(change);
            assert_eq!(engine.published(), engine.state().into_iter().map(mask).collect());
            let keys: BTreeSet<&u64> = before.keys().chain(engine.own.keys()).collect();
            let changed = keys.into_iter().filter(|key| before.get(key) != engine.own.get(key)).count();
            assert_eq!(*seen.lock().unwrap(), changed);
        }
    }
}

#[test]
fn an_invalid_result_of_a_hook_is_refused_and_what_it_saw_stays_to_be_published() {
    let mut engine = Engine::new(first_column());
    engine.rows.set_hook(Box::new(|_| Some(Difference { put: vec![row(1, 1), row(1, 2)], deleted: vec![] })));
    let error = engine.rows.plan(TableChange::Rows(vec![row(3, 3)])).unwrap_err().to_string();
    assert!(error.starts_with("the prepush hook's result: "), "{error}");
    engine.rows.set_hook(Box::new(Some));
    assert_eq!(engine.publish(TableChange::Rows(vec![row(3, 3)])).put, [row(3, 3)]);
}
