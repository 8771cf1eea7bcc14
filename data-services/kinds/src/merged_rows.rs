use std::collections::{BTreeMap, BTreeSet};

use data_services::{Difference, KeyColumns, Row, RowKey, TablePublisher};

/// The rows of several publishers as one table.
///
/// A row is in the table while any publisher has it. If publishers have different rows of one key, the row of the first
/// publisher counts, by node and service, and of its rows the first: every node that merges the same rows has the same table.
/// The time of a change is proportional to the change.
#[derive(Debug, Default)]
pub(crate) struct MergedRows {
    key: KeyColumns,
    /// How often each publisher has each row: two of its rows may have become one by a projection.
    publishers: BTreeMap<TablePublisher, BTreeMap<Row, usize>>,
    rows: BTreeMap<RowKey, BTreeSet<(TablePublisher, Row)>>,
    without_key: u64,
}

/// The rows that a change touches, as they were before.
type Before = BTreeMap<RowKey, Option<Row>>;

impl MergedRows {
    pub(crate) fn new(key: KeyColumns) -> Self {
        Self { key, ..Self::default() }
    }

    /// All rows of one publisher are now these.
    pub(crate) fn replace(&mut self, publisher: &TablePublisher, rows: Vec<Row>) -> Difference {
        let mut counts: BTreeMap<Row, usize> = BTreeMap::new();
        rows.into_iter().for_each(|row| *counts.entry(row).or_default() += 1);
        let before = self.publishers.insert(publisher.clone(), BTreeMap::new()).unwrap_or_default();
        let mut touched = Before::new();
        for row in before.keys().filter(|row| !counts.contains_key(*row)) {
            self.hide(publisher, row, &mut touched);
        }
        for row in counts.keys().filter(|row| !before.contains_key(*row)) {
            self.show(publisher, row, &mut touched);
        }
        self.publishers.insert(publisher.clone(), counts);
        self.difference(touched)
    }

    /// One publisher has removed and added rows.
    pub(crate) fn change(
        &mut self,
        publisher: &TablePublisher,
        removed: Vec<Row>,
        added: Vec<Row>,
    ) -> Difference {
        let mut counts = self.publishers.remove(publisher).unwrap_or_default();
        let mut touched = Before::new();
        for row in removed {
            if let Some(count) = counts.get_mut(&row) {
                *count -= 1;
                if *count == 0 {
                    counts.remove(&row);
                    self.hide(publisher, &row, &mut touched);
                }
            }
        }
        for row in added {
            let count = counts.entry(row.clone()).or_default();
            *count += 1;
            if *count == 1 {
                self.show(publisher, &row, &mut touched);
            }
        }
        self.publishers.insert(publisher.clone(), counts);
        self.difference(touched)
    }

    /// A publisher is gone, with its rows.
    pub(crate) fn remove(&mut self, publisher: &TablePublisher) -> Difference {
        let mut touched = Before::new();
        for row in self.publishers.remove(publisher).unwrap_or_default().keys() {
            self.hide(publisher, row, &mut touched);
        }
        self.difference(touched)
    }

    /// Returns whether no publisher is known.
    pub(crate) fn is_empty(&self) -> bool {
        self.publishers.is_empty()
    }

    /// Returns whether this publisher is known.
    pub(crate) fn has(&self, publisher: &TablePublisher) -> bool {
        self.publishers.contains_key(publisher)
    }

    /// Returns the table.
    pub(crate) fn rows(&self) -> Vec<Row> {
        self.rows.values().filter_map(|rows| rows.first()).map(|(_, row)| row.clone()).collect()
    }

    /// Returns how many rows came without a key column; they are not in the table.
    pub(crate) fn without_key(&self) -> u64 {
        self.without_key
    }

    fn show(&mut self, publisher: &TablePublisher, row: &Row, touched: &mut Before) {
        let Ok(key) = self.key.key_of(row) else {
            self.without_key += 1;
            return;
        };
        self.touch(&key, touched);
        self.rows.entry(key).or_default().insert((publisher.clone(), row.clone()));
    }

    fn hide(&mut self, publisher: &TablePublisher, row: &Row, touched: &mut Before) {
        let Ok(key) = self.key.key_of(row) else { return };
        self.touch(&key, touched);
        if let Some(rows) = self.rows.get_mut(&key) {
            rows.remove(&(publisher.clone(), row.clone()));
            if rows.is_empty() {
                self.rows.remove(&key);
            }
        }
    }

    fn touch(&self, key: &RowKey, touched: &mut Before) {
        if !touched.contains_key(key) {
            touched.insert(key.clone(), self.shown(key).cloned());
        }
    }

    fn shown(&self, key: &RowKey) -> Option<&Row> {
        self.rows.get(key)?.first().map(|(_, row)| row)
    }

    fn difference(&self, touched: Before) -> Difference {
        let mut difference = Difference::default();
        for (key, before) in touched {
            match (before, self.shown(&key)) {
                (before, Some(now)) if before.as_ref() != Some(now) => difference.put.push(now.clone()),
                (Some(_), None) => difference.deleted.push(key),
                _ => {}
            }
        }
        difference
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use data_services::{Difference, KeyColumns, NodeId, Row, RowKey, ServiceId, TablePublisher};

    use super::MergedRows;

    fn publisher(node: &str) -> TablePublisher {
        TablePublisher { node: NodeId::new(node).unwrap(), service: ServiceId::new("s").unwrap() }
    }

    fn row(id: u32, text: &str) -> Row {
        Row::of(&(id, text)).unwrap()
    }

    fn by_id() -> MergedRows {
        MergedRows::new(KeyColumns::Positions(vec![0]))
    }

    #[test]
    fn of_two_rows_of_one_key_that_of_the_first_publisher_counts() {
        let (one, two) = (publisher("1"), publisher("2"));
        let mut merged = by_id();
        assert_eq!(merged.replace(&two, vec![row(1, "two")]).put, [row(1, "two")]);
        assert_eq!(merged.replace(&one, vec![row(1, "one"), row(2, "x")]).put, [row(1, "one"), row(2, "x")]);
        assert!(merged.change(&two, vec![row(1, "two")], vec![row(1, "2")]).is_empty(), "it is hidden");
        assert_eq!(merged.remove(&one).put, [row(1, "2")], "the other row appears");
        assert_eq!(merged.rows(), [row(1, "2")]);
        assert_eq!(merged.remove(&two).deleted.len(), 1);
        assert!(merged.is_empty() && merged.rows().is_empty());
    }

    #[test]
    fn a_row_that_a_projection_makes_twice_stays_until_both_are_gone() {
        let one = publisher("1");
        let mut merged = MergedRows::new(KeyColumns::Row);
        assert_eq!(merged.replace(&one, vec![row(1, "x"), row(1, "x")]).len(), 1);
        assert!(merged.change(&one, vec![row(1, "x")], vec![]).is_empty());
        assert_eq!(merged.change(&one, vec![row(1, "x")], vec![]).deleted.len(), 1);
    }

    #[test]
    fn a_row_without_a_key_column_is_counted_and_left_out() {
        let mut merged = MergedRows::new(KeyColumns::Fields(vec!["id".into()]));
        assert!(merged.replace(&publisher("1"), vec![row(1, "x")]).is_empty());
        assert_eq!(merged.without_key(), 1);
    }

    /// Random changes of three publishers: the differences, applied one after the other, are the table that results.
    #[test]
    fn the_differences_add_up_to_the_table() {
        let mut random = fastrand::Rng::with_seed(7);
        let mut merged = by_id();
        let mut theirs: BTreeMap<TablePublisher, BTreeMap<u32, Row>> = BTreeMap::new();
        let mut copy: BTreeMap<RowKey, Row> = BTreeMap::new();
        for _ in 0..5_000 {
            let who = publisher(&random.u32(0..3).to_string());
            let own = theirs.entry(who.clone()).or_default();
            let difference = match random.u32(0..20) {
                0 => {
                    theirs.remove(&who);
                    merged.remove(&who)
                }
                1 => {
                    *own = (0..random.u32(0..5)).map(|id| (id, row(id, "new"))).collect();
                    merged.replace(&who, own.values().cloned().collect())
                }
                _ => {
                    let id = random.u32(0..8);
                    let removed = own.remove(&id).into_iter().collect();
                    let added = random.bool().then(|| row(id, &random.u32(0..3).to_string()));
                    own.extend(added.clone().map(|row| (id, row)));
                    merged.change(&who, removed, added.into_iter().collect())
                }
            };
            let Difference { put, deleted } = difference;
            deleted.iter().for_each(|key| assert!(copy.remove(key).is_some()));
            for row in put {
                let key = KeyColumns::Positions(vec![0]).key_of(&row).unwrap();
                assert_ne!(copy.insert(key, row.clone()), Some(row), "an unchanged row is not sent");
            }
            let mut expected: BTreeMap<u32, Row> = BTreeMap::new();
            theirs.values().rev().for_each(|rows| expected.extend(rows.clone()));
            assert_eq!(merged.rows(), expected.values().cloned().collect::<Vec<_>>());
            assert_eq!(merged.rows(), copy.values().cloned().collect::<Vec<_>>());
        }
    }
}
