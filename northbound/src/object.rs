use bytes::Bytes;
use pubsub_api::database::RowName;
use pubsub_api::{Error, ErrorKind, Result};
use serde_json::{Map, Value};

/// An object of the control plane: a row of a table, as JSON with at least its `id`.
///
/// `topic`, a string or null, is its tenant; `version`, a number, counts its changes.
///
/// ```
/// use northbound::Object;
///
/// let port = Object::parse("lport", br#"{"id": "port-1", "topic": "tenant-1", "version": 3, "name": "eth0"}"#)?;
/// assert_eq!((port.id(), port.topic(), port.version()), ("port-1", Some("tenant-1"), Some(3)));
/// # Ok::<(), pubsub_api::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Object {
    table: String,
    fields: Map<String, Value>,
}

impl Object {
    /// Creates an object from these fields.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] if it has no `id`, if `id`, `topic` or `version` has the wrong type, or if they or the table
    /// cannot name a row.
    pub fn new(table: impl Into<String>, fields: Map<String, Value>) -> Result<Self> {
        let object = Self { table: table.into(), fields };
        let wrong = |what: &str| {
            let text = format!("an object of table {}: {what}", object.table);
            Error::new(ErrorKind::Invalid, text)
        };
        if !object.fields.get("id").is_some_and(Value::is_string) {
            return Err(wrong("its `id` must be a string"));
        }
        if !object.fields.get("topic").is_none_or(|topic| topic.is_string() || topic.is_null()) {
            return Err(wrong("its `topic` must be a string or null"));
        }
        if !object.fields.get("version").is_none_or(|version| version.is_u64() || version.is_null()) {
            return Err(wrong("its `version` must be a non-negative integer or null"));
        }
        object.row().check()?;
        Ok(object)
    }

    /// Parses an object from the value of its row.
    ///
    /// # Errors
    /// As [`new`](Self::new); [`ErrorKind::Invalid`] also if the value is not a JSON object.
    pub fn parse(table: impl Into<String>, json: &[u8]) -> Result<Self> {
        let table = table.into();
        let fields = serde_json::from_slice(json).map_err(|error| {
            Error::new(ErrorKind::Invalid, format!("a row of table {table} is not a JSON object"))
                .with_source(error)
        })?;
        Self::new(table, fields)
    }

    /// The table.
    #[must_use]
    pub fn table(&self) -> &str {
        &self.table
    }

    /// The key of its row.
    #[must_use]
    pub fn id(&self) -> &str {
        self.fields.get("id").and_then(Value::as_str).unwrap_or_default()
    }

    /// The tenant; `None` if the field is absent or null: then the row has no topic, and events about it are published
    /// on `D`.
    #[must_use]
    pub fn topic(&self) -> Option<&str> {
        self.fields.get("topic").and_then(Value::as_str)
    }

    /// The number of its changes, 1 after its creation; `None` if the field is absent or null.
    #[must_use]
    pub fn version(&self) -> Option<u64> {
        self.fields.get("version").and_then(Value::as_u64)
    }

    /// All fields.
    #[must_use]
    pub fn fields(&self) -> &Map<String, Value> {
        &self.fields
    }

    /// The place of its row; without a topic, the row that has none.
    ///
    /// ```
    /// use northbound::Object;
    ///
    /// let port = Object::parse("lport", br#"{"id": "port-1", "topic": "tenant-1"}"#)?;
    /// assert_eq!(port.row().to_string(), "lport/port-1 (topic tenant-1)");
    /// assert!(Object::parse("lport", br#"{"name": "eth0"}"#).is_err(), "an object has an `id`");
    /// assert!(Object::parse("lport", br#"{"id": 7}"#).is_err(), "the `id` is a string");
    /// # Ok::<(), pubsub_api::Error>(())
    /// ```
    #[must_use]
    pub fn row(&self) -> RowName<'_> {
        RowName::new(&self.table, self.id()).on(self.topic())
    }

    /// The value of its row.
    #[must_use]
    pub fn to_json(&self) -> Bytes {
        Bytes::from(Value::Object(self.fields.clone()).to_string())
    }

    /// The object with these fields changed, and the next version; `None` if that changes nothing. A null field is ignored:
    /// Dragonflow's models merge only values that are not empty.
    pub(crate) fn changed(&self, changes: &Map<String, Value>) -> Option<Self> {
        let mut fields = self.fields.clone();
        let is_named = |name: &str| matches!(name, "id" | "topic" | "version");
        for (name, value) in changes.iter().filter(|(name, value)| !value.is_null() && !is_named(name)) {
            fields.insert(name.clone(), value.clone());
        }
        (fields != self.fields)
            .then(|| Self { table: self.table.clone(), fields }.with_version(self.version().unwrap_or(0) + 1))
    }

    pub(crate) fn with_version(mut self, version: u64) -> Self {
        self.fields.insert("version".to_owned(), version.into());
        self
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::Object;

    fn object(value: serde_json::Value) -> pubsub_api::Result<Object> {
        Object::parse("lport", value.to_string().as_bytes())
    }

    #[test]
    fn an_object_needs_an_id_and_its_own_fields_have_fixed_types() {
        for good in [
            json!({"id": "a"}),
            json!({"id": "a", "topic": null, "version": null}),
            json!({"id": "a", "topic": "t", "version": 0, "x": [1, {"y": null}]}),
        ] {
            let read = object(good.clone()).unwrap();
            assert_eq!(read.to_json(), good.to_string());
        }
        for bad in [
            json!({}),
            json!({"id": 1}),
            json!({"id": ""}),
            json!({"id": "a", "topic": 1}),
            json!({"id": "a", "topic": "$hello"}),
            json!({"id": "a", "version": -1}),
            json!({"id": "a", "version": "1"}),
            json!([1]),
        ] {
            assert!(object(bad.clone()).is_err(), "{bad}");
        }
        assert!(Object::parse("lport", b"{").is_err());
    }

    #[test]
    fn a_change_merges_values_that_are_not_null_and_increments_the_version() {
        let before = object(json!({"id": "a", "name": "x", "mac": "m"})).unwrap();
        let change = |value: serde_json::Value| before.changed(value.as_object().unwrap());
        assert_eq!(change(json!({"name": "x"})), None);
        assert_eq!(change(json!({"name": null, "id": "b", "topic": "t", "version": 9})), None);
        let after = change(json!({"name": "y", "more": 1})).unwrap();
        assert_eq!(
            after,
            object(json!({"id": "a", "name": "y", "mac": "m", "more": 1, "version": 1})).unwrap()
        );
        let again = after.changed(json!({"mac": "n"}).as_object().unwrap()).unwrap();
        assert_eq!(again.version(), Some(2));
    }
}
