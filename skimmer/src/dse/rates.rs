use std::time::Duration;

use serde_json::Value as Json;

/// The changes per second of a table between two reports of its node; `None` if it is new, or its publisher has started
/// again meanwhile.
pub(super) fn changes_per_second(table: &Json, earlier: &Json, between: Duration) -> Option<f64> {
    let same =
        |one: &&Json| ["service", "table", "epoch"].iter().all(|name| one.get(*name) == table.get(*name));
    let before = earlier.get("published")?.as_array()?.iter().find(same)?;
    let sequence = |table: &Json| table.get("sequence").and_then(Json::as_u64);
    let changes = sequence(table)?.saturating_sub(sequence(before)?);
    let changes = u32::try_from(changes).map_or(f64::INFINITY, f64::from);
    let rate = changes / between.as_secs_f64().max(f64::MIN_POSITIVE);
    Some((rate * 10.0).round() / 10.0)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;

    use super::changes_per_second;

    #[test]
    fn a_rate_is_the_difference_of_two_sequences_of_one_epoch() {
        let earlier = json!({"published": [{"service": "s", "table": "t", "epoch": 1, "sequence": 10}]});
        let rate = |table| changes_per_second(&table, &earlier, Duration::from_secs(2));
        assert_eq!(rate(json!({"service": "s", "table": "t", "epoch": 1, "sequence": 15})), Some(2.5));
        assert_eq!(rate(json!({"service": "s", "table": "t", "epoch": 2, "sequence": 15})), None);
        assert_eq!(rate(json!({"service": "s", "table": "u", "epoch": 1, "sequence": 15})), None);
    }
}
