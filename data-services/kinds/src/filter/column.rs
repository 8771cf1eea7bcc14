use std::fmt;

use serde::Deserialize;
use serde_json::Value as Json;

/// A column of a row: a field of an object, or a position of an array.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged, expecting = "a column is the name of a field, or a position from 0")]
pub(super) enum Column {
    Position(usize),
    Field(String),
}

impl Column {
    /// Returns the value of this column, if the row has it.
    pub(super) fn of<'a>(&self, row: &'a Json) -> Option<&'a Json> {
        match self {
            Self::Position(position) => row.as_array()?.get(*position),
            Self::Field(field) => row.as_object()?.get(field),
        }
    }
}

impl fmt::Display for Column {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Position(position) => write!(f, "{position}"),
            Self::Field(field) => write!(f, "{field:?}"),
        }
    }
}
