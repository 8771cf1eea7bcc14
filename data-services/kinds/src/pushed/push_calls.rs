use data_services::{CallError, CallErrorKind, KeyColumns, Row, RowKey, TableId};
use serde::Deserialize;
use serde_json::Value as Json;

/// The arguments of `push`: the whole state of a table.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PushCall {
    pub(super) table: TableId,
    rows: Vec<Json>,
}

/// The arguments of `load`: the whole state of a table follows in parts, each a list of rows.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LoadCall {
    pub(super) table: TableId,
}

/// The arguments of `change`: rows that are new or changed, and the keys of rows that are gone.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ChangeCall {
    pub(super) table: TableId,
    #[serde(default)]
    put: Vec<Json>,
    /// Each the list of the key columns, or the whole row if that is the key.
    #[serde(default)]
    deleted: Vec<Json>,
}

impl PushCall {
    pub(super) fn rows(self) -> Result<Vec<Row>, CallError> {
        rows(self.rows)
    }
}

impl ChangeCall {
    /// The rows to put, and the keys to delete from a table with these key columns.
    pub(super) fn change(self, key: &KeyColumns) -> Result<(Vec<Row>, Vec<RowKey>), CallError> {
        let deleted =
            self.deleted.into_iter().map(|columns| row_key(columns, key)).collect::<Result<_, _>>()?;
        Ok((rows(self.put)?, deleted))
    }
}

/// The rows of a part of `load`.
pub(super) fn rows_of_part(part: Json) -> Result<Vec<Row>, CallError> {
    match part {
        Json::Array(values) => rows(values),
        other => Err(bad(format!("a part is a list of rows, not {other}"))),
    }
}

fn rows(values: Vec<Json>) -> Result<Vec<Row>, CallError> {
    values.into_iter().map(|value| Row::from_json(value).map_err(bad)).collect()
}

/// The key of these columns: that of a row which has only them.
fn row_key(columns: Json, key: &KeyColumns) -> Result<RowKey, CallError> {
    let count = match key {
        KeyColumns::Row => {
            return KeyColumns::Row.key_of(&Row::from_json(columns).map_err(bad)?).map_err(bad);
        }
        KeyColumns::Positions(positions) => positions.len(),
        KeyColumns::Fields(fields) => fields.len(),
    };
    if columns.as_array().map(Vec::len) != Some(count) {
        return Err(bad(format!("a key of this table is the list of {key}, not {columns}")));
    }
    let row = Row::from_json(columns).map_err(bad)?;
    KeyColumns::Positions((0..count).collect()).key_of(&row).map_err(bad)
}

fn bad(problem: impl ToString) -> CallError {
    CallError::new(CallErrorKind::BadArguments, problem.to_string())
}

#[cfg(test)]
mod tests {
    use data_services::{KeyColumns, Row};
    use serde_json::json;

    use super::ChangeCall;

    #[test]
    fn keys_are_written_as_lists_of_the_key_columns() {
        let key = KeyColumns::Fields(vec!["id".into(), "at".into()]);
        let row = Row::of(&json!({"id": 7, "at": {"z": 1, "a": 2}, "x": 0})).unwrap();
        let call = |deleted| serde_json::from_value::<ChangeCall>(json!({"table": "t", "deleted": deleted}));
        let (_, keys) = call(json!([[7, {"z": 1, "a": 2}]])).unwrap().change(&key).unwrap();
        assert_eq!(keys, [key.key_of(&row).unwrap()]);
        let (_, keys) = call(json!([{"id": 7}])).unwrap().change(&KeyColumns::Row).unwrap();
        assert_eq!(keys[0].as_json(), r#"{"id":7}"#);
        for bad in [json!([[7]]), json!([7]), json!([{"id": 7, "at": 1}])] {
            let error = call(bad).unwrap().change(&key).unwrap_err().to_string();
            assert!(error.contains("a key of this table is the list of the fields"), "{error}");
        }
    }
}
