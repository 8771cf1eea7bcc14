use serde_json::{Value, json};

/// Median, minimum and maximum.
pub(crate) fn figures(mut values: Vec<f64>) -> Value {
    values.sort_by(f64::total_cmp);
    let at = |place: usize| values.get(place).map(|value| (value * 10.0).round() / 10.0);
    json!({ "median": at(values.len() / 2), "least": at(0), "most": at(values.len().saturating_sub(1)) })
}
