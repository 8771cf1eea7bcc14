use std::time::Duration;

use serde_json::{Value as Json, json};

/// The changes per second of a table between two reports of its node; `None` if it is new, or its publisher has started
/// again meanwhile.
pub(super) fn changes_per_second(table: &Json, earlier: &Json, between: Duration) -> Option<f64> {
    let before = earlier_of(table, earlier, "published", &["service", "table", "epoch"])?;
    per_second(table, before, "sequence", between)
}

/// What arrived per second on a topic between two reports of a node; `null` on one that is new.
pub(super) fn topic_rates(topic: &Json, earlier: &Json, between: Duration) -> Json {
    let before = earlier_of(topic, earlier, "topics", &["topic", "publisher", "table"]);
    let rate = |name| before.and_then(|before| per_second(topic, before, name, between));
    let mut rates = topic.clone();
    if let Some(object) = rates.as_object_mut() {
        object.remove("packets");
        object.remove("bytes");
        object.insert("packets_per_second".to_owned(), json!(rate("packets")));
        object.insert("bytes_per_second".to_owned(), json!(rate("bytes")));
    }
    rates
}

/// The most changes that any subscriber of a table lacks; `None` if there is none, or none has reported yet.
pub(super) fn most_behind(table: &Json) -> Option<u64> {
    table.get("lags")?.as_array()?.iter().filter_map(|lag| lag.get("behind")?.as_u64()).max()
}

/// The same entry of a list of an earlier report: the one with the same fields of these names.
fn earlier_of<'a>(now: &Json, earlier: &'a Json, list: &str, names: &[&str]) -> Option<&'a Json> {
    let is_same = |one: &&Json| names.iter().all(|name| one.get(*name) == now.get(*name));
    earlier.get(list)?.as_array()?.iter().find(is_same)
}

fn per_second(now: &Json, before: &Json, name: &str, between: Duration) -> Option<f64> {
    let count = |one: &Json| one.get(name).and_then(Json::as_u64);
    let more = count(now)?.saturating_sub(count(before)?);
    let more = u32::try_from(more).map_or(f64::INFINITY, f64::from);
    let rate = more / between.as_secs_f64().max(f64::MIN_POSITIVE);
    Some((rate * 10.0).round() / 10.0)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;

    use super::{changes_per_second, most_behind, topic_rates};

    #[test]
    fn a_rate_is_the_difference_of_two_sequences_of_one_epoch() {
        let earlier = json!({"published": [{"service": "s", "table": "t", "epoch": 1, "sequence": 10}]});
        let rate = |table| changes_per_second(&table, &earlier, Duration::from_secs(2));
        assert_eq!(rate(json!({"service": "s", "table": "t", "epoch": 1, "sequence": 15})), Some(2.5));
        assert_eq!(rate(json!({"service": "s", "table": "t", "epoch": 2, "sequence": 15})), None);
        assert_eq!(rate(json!({"service": "s", "table": "u", "epoch": 1, "sequence": 15})), None);
    }

    #[test]
    fn the_rates_of_a_topic_are_those_of_the_same_topic_before() {
        let topic = |table: &str, packets: u64| json!({"topic": "table", "table": table, "packets": packets, "bytes": 10 * packets});
        let earlier = json!({"topics": [topic("t", 4), {"topic": "inbox", "packets": 1, "bytes": 1}]});
        let rates = |topic| topic_rates(&topic, &earlier, Duration::from_secs(2));
        let wanted =
            json!({"topic": "table", "table": "t", "packets_per_second": 3.0, "bytes_per_second": 30.0});
        assert_eq!(rates(topic("t", 10)), wanted);
        assert_eq!(rates(topic("u", 10))["packets_per_second"], json!(null));
    }

    #[test]
    fn the_lag_of_a_table_is_that_of_its_slowest_subscriber() {
        let lags = json!({"lags": [{"behind": 3}, {"behind": null}, {"behind": 7}]});
        assert_eq!((most_behind(&lags), most_behind(&json!({"lags": []}))), (Some(7), None));
    }
}
