use std::fmt;
use std::sync::Arc;

use pubsub_api::{Error, ErrorKind, Result};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::Row;

/// What identifies a row within its table: the canonical JSON text of its key columns.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RowKey(Arc<str>);

/// How a table identifies its rows.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyColumns {
    /// By the whole row: the table is a set, and a changed row is one row removed and one added. As in Congress.
    #[default]
    Row,
    /// By these positions of an array, from 0.
    Positions(Vec<usize>),
    /// By these fields of an object.
    Fields(Vec<String>),
}

impl KeyColumns {
    /// Returns the key of a row.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] if the row is of the other kind, or lacks a key column.
    pub fn key_of(&self, row: &Row) -> Result<RowKey> {
        let columns: Option<Vec<Json>> = match self {
            Self::Row => return Ok(RowKey(row.text())),
            Self::Positions(positions) => {
                let json = row.to_json();
                positions.iter().map(|position| json.as_array()?.get(*position).cloned()).collect()
            }
            Self::Fields(fields) => {
                let json = row.to_json();
                fields.iter().map(|field| json.as_object()?.get(field).cloned()).collect()
            }
        };
        match columns {
            Some(columns) => Ok(RowKey(Json::Array(columns).to_string().into())),
            None => {
                let text = format!("the row {row} lacks a key column; its table is keyed by {self}");
                Err(Error::new(ErrorKind::Invalid, text))
            }
        }
    }
}

impl RowKey {
    /// Returns the key as canonical JSON text: an array of the key columns, or the whole row.
    #[must_use]
    pub fn as_json(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for KeyColumns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Row => f.write_str("the whole row"),
            Self::Positions(positions) => write!(f, "the columns {positions:?}"),
            Self::Fields(fields) => write!(f, "the fields {fields:?}"),
        }
    }
}

impl fmt::Debug for RowKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::KeyColumns;
    use crate::Row;

    #[test]
    fn a_key_is_the_row_or_its_key_columns() {
        let array = Row::of(&("vm-1", "boston", 2)).unwrap();
        assert_eq!(KeyColumns::Row.key_of(&array).unwrap().as_json(), array.as_json());
        assert_eq!(
            KeyColumns::Positions(vec![1, 0]).key_of(&array).unwrap().as_json(),
            r#"["boston","vm-1"]"#
        );
        let object = Row::parse(r#"{"id":7,"name":"x"}"#).unwrap();
        assert_eq!(KeyColumns::Fields(vec!["id".into()]).key_of(&object).unwrap().as_json(), "[7]");
    }

    #[test]
    fn a_row_without_a_key_column_is_refused_with_the_column() {
        let array = Row::of(&("vm-1",)).unwrap();
        for key in [KeyColumns::Positions(vec![1]), KeyColumns::Fields(vec!["id".into()])] {
            let text = key.key_of(&array).unwrap_err().to_string();
            assert!(text.contains("lacks a key column") && text.contains(&key.to_string()), "{text}");
        }
    }
}
