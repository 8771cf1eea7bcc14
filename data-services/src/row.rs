use std::fmt;
use std::sync::Arc;

use pubsub_api::{Error, ErrorKind, Result};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

/// A row of a table: a JSON array (columns by position) or object (columns by name), as canonical text.
///
/// The text is compact and the keys of objects are sorted, so equal rows have equal texts. Clones share it.
///
/// ```
/// use data_services::Row;
///
/// let row = Row::of(&("vm-1", 2, true))?;
/// assert_eq!(row.as_json(), r#"["vm-1",2,true]"#);
/// assert_eq!(Row::parse(r#"{"b":1, "a":2}"#)?.as_json(), r#"{"a":2,"b":1}"#);
/// assert!(Row::of(&42).is_err());
/// let (name, cores, running): (String, u32, bool) = row.get()?;
/// # Ok::<(), pubsub_api::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Row(Arc<str>);

impl Row {
    /// Makes a row of a value that serializes to an array (tuple, tuple struct, list) or an object (struct, map).
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] if it serializes to anything else, or not at all.
    pub fn of<T: Serialize + ?Sized>(value: &T) -> Result<Self> {
        match serde_json::to_value(value) {
            Ok(json) => Self::from_json(json),
            Err(error) => {
                Err(Error::new(ErrorKind::Invalid, "a row must serialize to JSON").with_source(error))
            }
        }
    }

    /// Makes a row of JSON text.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] if the text is not JSON, or neither an array nor an object.
    pub fn parse(text: &str) -> Result<Self> {
        match serde_json::from_str(text) {
            Ok(json) => Self::from_json(json),
            Err(error) => Err(Error::new(ErrorKind::Invalid, "a row must be JSON").with_source(error)),
        }
    }

    /// Makes a row of a JSON value.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] if the value is neither an array nor an object.
    pub fn from_json(mut json: Json) -> Result<Self> {
        let found = match json {
            Json::Array(_) | Json::Object(_) => {
                json.sort_all_objects();
                return Ok(Self(json.to_string().into()));
            }
            Json::Null => "null",
            Json::Bool(_) => "a boolean",
            Json::Number(_) => "a number",
            Json::String(_) => "a string",
        };
        let text = format!("a row is a JSON array or object, this is {found}");
        Err(Error::new(ErrorKind::Invalid, text))
    }

    /// Returns the canonical text.
    #[must_use]
    pub fn as_json(&self) -> &str {
        &self.0
    }

    /// Returns the row as a JSON value.
    #[must_use]
    pub fn to_json(&self) -> Json {
        // The text was written by serde_json; the fallback is unreachable.
        serde_json::from_str(&self.0).unwrap_or_default()
    }

    /// Reads the row into a type of the caller: a tuple for an array, a struct for an object.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] if the row does not have this shape.
    pub fn get<T: DeserializeOwned>(&self) -> Result<T> {
        serde_json::from_str(&self.0).map_err(|error| {
            Error::new(ErrorKind::Invalid, format!("the row {self} has another shape")).with_source(error)
        })
    }

    /// Shares the text.
    pub(crate) fn text(&self) -> Arc<str> {
        Arc::clone(&self.0)
    }
}

/// The text of a peer: checked as in [`Row::parse`].
impl TryFrom<String> for Row {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        Self::parse(&text)
    }
}

impl From<Row> for String {
    fn from(row: Row) -> Self {
        row.as_json().to_owned()
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
