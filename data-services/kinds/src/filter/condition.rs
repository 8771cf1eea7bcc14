use std::cmp::Ordering;

use pubsub_api::{Error, ErrorKind, Result};
use serde::{Deserialize, Deserializer};
use serde_json::{Number, Value as Json};

use super::column::Column;

/// What a row must fulfil. A row without the column fulfils `not` only.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Condition {
    field: Column,
    #[serde(default, deserialize_with = "present")]
    equals: Option<Json>,
    #[serde(default, deserialize_with = "present")]
    not: Option<Json>,
    /// A number or a text that the value must be greater than.
    #[serde(default)]
    above: Option<Json>,
    #[serde(default)]
    below: Option<Json>,
    /// A part of a text, or an item of a list.
    #[serde(default, deserialize_with = "present")]
    contains: Option<Json>,
}

/// Reads null as a value: a column may have to equal it.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Option<Json>, D::Error> {
    Json::deserialize(deserializer).map(Some)
}

impl Condition {
    /// Checks that it asks for something that a row can fulfil.
    pub(super) fn check(&self) -> Result<()> {
        let refused = |why: &str| {
            let text = format!("where: the condition of the field {} {why}", self.field);
            Err(Error::new(ErrorKind::Settings, text))
        };
        let limits = [&self.above, &self.below];
        if limits.iter().copied().flatten().any(|limit| !limit.is_number() && !limit.is_string()) {
            return refused("compares with something that is neither a number nor a text");
        }
        let all = [&self.equals, &self.not, &self.above, &self.below, &self.contains];
        if all.iter().all(|one| one.is_none()) {
            return refused("asks for nothing; add equals, not, above, below or contains");
        }
        Ok(())
    }

    /// Returns whether a row fulfils it.
    pub(super) fn holds(&self, row: &Json) -> bool {
        let value = self.field.of(row);
        let is = |wanted: &Json| value.is_some_and(|value| are_equal(value, wanted));
        let compares =
            |limit: &Json, wanted| value.is_some_and(|value| compare(value, limit) == Some(wanted));
        self.equals.as_ref().is_none_or(is)
            && !self.not.as_ref().is_some_and(is)
            && self.above.as_ref().is_none_or(|limit| compares(limit, Ordering::Greater))
            && self.below.as_ref().is_none_or(|limit| compares(limit, Ordering::Less))
            && self.contains.as_ref().is_none_or(|part| value.is_some_and(|value| contains(value, part)))
    }
}

fn are_equal(one: &Json, other: &Json) -> bool {
    match (one, other) {
        (Json::Number(one), Json::Number(other)) => compare_numbers(one, other) == Some(Ordering::Equal),
        _ => one == other,
    }
}

/// Compares two numbers, or two texts; `None` for anything else.
fn compare(one: &Json, other: &Json) -> Option<Ordering> {
    match (one, other) {
        (Json::Number(one), Json::Number(other)) => compare_numbers(one, other),
        (Json::String(one), Json::String(other)) => Some(one.cmp(other)),
        _ => None,
    }
}

fn compare_numbers(one: &Number, other: &Number) -> Option<Ordering> {
    match (one.as_i128(), other.as_i128()) {
        (Some(one), Some(other)) => Some(one.cmp(&other)),
        _ => one.as_f64()?.partial_cmp(&other.as_f64()?),
    }
}

fn contains(value: &Json, part: &Json) -> bool {
    match (value, part) {
        (Json::String(text), Json::String(part)) => text.contains(part.as_str()),
        (Json::Array(items), part) => items.iter().any(|item| are_equal(item, part)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value as Json, json};

    use super::Condition;

    fn holds(condition: Json, row: &Json) -> bool {
        let condition: Condition = serde_json::from_value(condition).unwrap();
        condition.check().unwrap();
        condition.holds(row)
    }

    #[test]
    fn a_row_fulfils_a_condition_or_not() {
        let row = json!({"n": 5, "big": 9_007_199_254_740_993_u64, "f": 1.5, "s": "boston", "l": ["a", 1], "z": null});
        for (condition, expected) in [
            (json!({"field": "n", "equals": 5.0}), true),
            (json!({"field": "n", "equals": "5"}), false),
            (json!({"field": "n", "not": 5}), false),
            (json!({"field": "n", "not": 6}), true),
            (json!({"field": "n", "above": 4, "below": 6}), true),
            (json!({"field": "n", "above": 5}), false),
            (json!({"field": "n", "above": "4"}), false),
            (json!({"field": "big", "above": 9_007_199_254_740_992_u64}), true),
            (json!({"field": "f", "below": 2}), true),
            (json!({"field": "s", "above": "austin", "contains": "ost"}), true),
            (json!({"field": "s", "contains": "x"}), false),
            (json!({"field": "l", "contains": 1}), true),
            (json!({"field": "l", "contains": "1"}), false),
            (json!({"field": "z", "equals": null}), true),
            (json!({"field": "none", "equals": null}), false),
            (json!({"field": "none", "not": 1}), true),
            (json!({"field": "none", "below": 1}), false),
            (json!({"field": 0, "equals": 5}), false),
        ] {
            assert_eq!(holds(condition.clone(), &row), expected, "{condition}");
        }
        assert!(holds(json!({"field": 1, "equals": "b"}), &json!(["a", "b"])));
    }

    #[test]
    fn a_condition_that_asks_for_nothing_is_refused() {
        for (condition, says) in [
            (json!({"field": "a"}), "asks for nothing"),
            (json!({"field": "a", "above": []}), "neither a number nor a text"),
        ] {
            let error = serde_json::from_value::<Condition>(condition).unwrap().check().unwrap_err();
            assert!(error.to_string().contains(says), "{error}");
        }
        assert!(serde_json::from_value::<Condition>(json!({"field": "a", "equal": 1})).is_err());
    }
}
