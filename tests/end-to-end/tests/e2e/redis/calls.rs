//! The results of the calls of the façade, and what must hold after them.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use pubsub_api::ErrorKind;

use super::rows::{Rows, number_of};
use super::scene::CONFIRM_WITHIN;

/// One call that has ended.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) key: String,
    /// The number of the object that was to be written; none if it was to be deleted.
    pub(crate) wanted: Option<u64>,
    pub(crate) result: Result<(), (ErrorKind, String)>,
    pub(crate) took: Duration,
}

/// All calls of a load, those about one row in their order.
#[derive(Debug)]
pub(crate) struct Calls(pub(crate) Vec<Call>);

/// What a row may hold: the numbers of objects, or none for no row.
type May = BTreeSet<Option<u64>>;

/// When a call counts as hanging: five times as long as it may take by its own timeouts, since it reads, writes, publishes,
/// undoes, and publishes that.
pub(crate) fn hanging(timeout: Duration) -> Duration {
    5 * (3 * timeout + 2 * CONFIRM_WITHIN)
}

impl Calls {
    pub(crate) fn done(&self) -> usize {
        self.0.iter().filter(|call| call.result.is_ok()).count()
    }

    /// How often each kind of error was returned.
    pub(crate) fn errors(&self) -> BTreeMap<String, usize> {
        let mut kinds = BTreeMap::new();
        for (kind, _) in self.0.iter().filter_map(|call| call.result.as_ref().err()) {
            *kinds.entry(format!("{kind:?}")).or_default() += 1;
        }
        kinds
    }

    /// Of how many calls nobody knows what became of them.
    pub(crate) fn errors_in_doubt(&self) -> usize {
        self.errors().get("InDoubt").copied().unwrap_or_default()
    }

    pub(crate) fn slowest(&self) -> Duration {
        self.0.iter().map(|call| call.took).max().unwrap_or_default()
    }

    /// Asserts that a call that could not be done failed with an error of its own, and none with another one.
    #[track_caller]
    pub(crate) fn assert_errors_are_specific(&self) {
        for Call { key, wanted, result, .. } in &self.0 {
            let Err((kind, text)) = result else { continue };
            let is_known = [ErrorKind::Unavailable, ErrorKind::InDoubt].contains(kind);
            assert!(is_known && !text.is_empty(), "{key} ({wanted:?}): {kind:?}: {text}");
        }
    }

    #[track_caller]
    pub(crate) fn assert_none_failed(&self) {
        let failed: Vec<_> = self.0.iter().filter(|call| call.result.is_err()).take(5).collect();
        assert!(failed.is_empty(), "{:?}: {failed:?}", self.errors());
    }

    /// Asserts that done is done, refused is not done, and only what is in doubt may be either.
    #[track_caller]
    pub(crate) fn assert_rows(&self, rows: &Rows) {
        let wrong = self.wrong(rows);
        assert!(
            wrong.is_empty(),
            "{} rows differ from the results of the calls: {:?}",
            wrong.len(),
            &wrong[..wrong.len().min(5)]
        );
    }

    /// The rows that differ from the results: key, allowed values, value.
    pub(crate) fn wrong(&self, rows: &Rows) -> Vec<(String, May, Option<u64>)> {
        let is = |key: &str| rows.get(key).map(|row| number_of(row));
        let all = self.truth().into_iter().map(|(key, may)| (key.to_owned(), may, is(key)));
        let mut wrong: Vec<_> = all.filter(|(_, may, is)| !may.contains(is)).collect();
        let truth = self.truth();
        let unknown = rows.keys().filter(|key| !truth.contains_key(key.as_str()));
        wrong.extend(unknown.map(|key| (key.clone(), May::new(), is(key))));
        wrong
    }

    fn truth(&self) -> BTreeMap<&str, May> {
        let mut truth: BTreeMap<&str, May> = BTreeMap::new();
        for call in &self.0 {
            let may = truth.entry(&call.key).or_insert_with(|| May::from([None]));
            match &call.result {
                Ok(()) => *may = May::from([call.wanted]),
                Err((ErrorKind::InDoubt, _)) => drop(may.insert(call.wanted)),
                Err(_) => {}
            }
        }
        truth
    }
}
