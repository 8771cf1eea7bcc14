//! The cost of a change.

use super::world::{first_column, row};
use crate::tables::published_rows::PublishedRows;
use crate::tables::table_change::TableChange;
use crate::{Difference, KeyColumns};

/// How many rows and keys a change of `k` rows looks at in a table of `n`.
fn examined(key: &KeyColumns, n: u64, k: u64) -> u64 {
    let mut rows = PublishedRows::new(key.clone(), usize::MAX);
    let state = (0..n).map(|number| row(number, 0)).collect();
    let plan = rows.plan(TableChange::Rows(state)).unwrap();
    rows.carry_out(plan);
    let before = rows.examined();
    let put = (0..k).map(|number| row(number, 1)).collect();
    let deleted = (n - k..n).map(|number| key.key_of(&row(number, 0)).unwrap()).collect();
    let plan = rows.plan(TableChange::Difference(Difference { put, deleted })).unwrap();
    assert_eq!(plan.effective.len() as u64, 2 * k);
    rows.carry_out(plan);
    rows.examined() - before
}

#[test]
fn a_change_looks_at_the_rows_that_change_however_large_the_table_is() {
    for key in [KeyColumns::Row, first_column()] {
        assert_eq!(examined(&key, 50, 3), 6);
        assert_eq!(examined(&key, 20_000, 3), 6);
        assert_eq!(examined(&key, 20_000, 300), 600);
    }
}
