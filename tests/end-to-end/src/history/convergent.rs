use serde_json::Value;

use crate::{Fold, fold, is_event};

/// An event as it was published, without `origin`.
#[must_use]
pub fn plain(mut event: Value) -> Value {
    if let Some(fields) = event.as_object_mut() {
        fields.remove("origin");
        fields.remove("stamp");
    }
    event
}

/// Asserts *convergent*: the table from a subscriber's lines equals the published one.
///
/// # Panics
/// If rows are missing, additional or different; with some of them.
#[track_caller]
pub fn assert_convergent(lines: &[Value], published: &Fold) {
    let events: Vec<Value> = lines.iter().filter(|line| is_event(line)).cloned().map(plain).collect();
    let table = fold(&events);
    let missing =
        published.iter().filter(|(row, _)| !table.contains_key(*row)).map(|(row, _)| ("missing", row));
    let too_many = table.keys().filter(|row| !published.contains_key(*row)).map(|row| ("too many", row));
    let differs = |(row, event): &(&_, &Value)| table.get(*row).is_some_and(|had| had != *event);
    let different = published.iter().filter(differs).map(|(row, _)| ("different", row));
    let wrong: Vec<_> = missing.chain(too_many).chain(different).collect();
    let shown: Vec<_> = wrong.iter().take(10).collect();
    assert!(wrong.is_empty(), "convergent: {} of {} rows are wrong: {shown:?}", wrong.len(), published.len());
}
