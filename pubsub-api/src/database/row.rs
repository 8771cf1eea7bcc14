use bytes::Bytes;

use crate::{Error, ErrorKind, Result};

/// The longest name of a table, in bytes.
pub const MAX_TABLE_BYTES: usize = 255;

/// The longest key, in bytes.
pub const MAX_KEY_BYTES: usize = 1024;

/// The largest value, in bytes: an event that carries it must fit into
/// [`MAX_EVENT_BYTES`](crate::wire::MAX_EVENT_BYTES), together with its names.
pub const MAX_VALUE_BYTES: usize = 1024 * 1024 - 4096;

/// The name of a row: the table, the key, and the topic under which it was written.
///
/// Without a topic it means the row that has none in [`create_key`](super::DbApi::create_key),
/// [`compare_and_set`](super::DbApi::compare_and_set) and [writes](Write); in all other calls, the one row of that key,
/// whatever its topic.
///
/// ```
/// use pubsub_api::database::RowName;
///
/// let row = RowName::new("lport", "port-1").on("tenant-1");
/// assert_eq!(row.to_string(), "lport/port-1 (topic tenant-1)");
/// assert!(row.check().is_ok());
/// assert!(RowName::new("l{port}", "port-1").check().is_err());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct RowName<'a> {
    /// The table: 1 to [`MAX_TABLE_BYTES`] ASCII letters, digits, `_` and `-`.
    pub table: &'a str,
    /// The key: 1 to [`MAX_KEY_BYTES`] bytes of text without NUL.
    pub key: &'a str,
    /// The topic, usually that of a tenant: a [`Topic`](crate::Topic) that is not reserved.
    pub topic: Option<&'a str>,
}

impl<'a> RowName<'a> {
    /// A row with the topic unspecified.
    #[must_use]
    pub fn new(table: &'a str, key: &'a str) -> Self {
        Self { table, key, topic: None }
    }

    /// Returns the same row on a topic.
    #[must_use]
    pub fn on(self, topic: impl Into<Option<&'a str>>) -> Self {
        Self { topic: topic.into(), ..self }
    }

    /// Validates the name.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] with the rule that the name breaks. Every driver checks the name first.
    pub fn check(&self) -> Result<()> {
        check_table(self.table)?;
        if self.key.is_empty() || self.key.len() > MAX_KEY_BYTES || self.key.contains('\0') {
            let text = format!(
                "{self}: a key has 1 to {MAX_KEY_BYTES} bytes, and no NUL; this has {}",
                self.key.len()
            );
            return Err(Error::new(ErrorKind::Invalid, text));
        }
        check_topic(self.topic)
    }

    /// Returns the error that the row does not exist.
    #[must_use]
    pub fn not_found(&self) -> Error {
        Error::new(ErrorKind::NotFound, format!("there is no row {self}"))
    }

    /// Returns the error that the row exists already.
    #[must_use]
    pub fn already_exists(&self) -> Error {
        Error::new(ErrorKind::AlreadyExists, format!("there is a row {self} already"))
    }

    /// Returns the error that rows of several topics have this key, and that the name has no topic.
    #[must_use]
    pub fn ambiguous(&self) -> Error {
        let text = format!("{self} is a row of several topics: name the topic");
        Error::new(ErrorKind::Invalid, text)
    }
}

impl std::fmt::Display for RowName<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.table, self.key)?;
        match self.topic {
            Some(topic) => write!(f, " (topic {topic})"),
            None => Ok(()),
        }
    }
}

/// Validates the name of a table.
///
/// # Errors
/// [`ErrorKind::Invalid`] if the name is invalid.
///
/// ```
/// use pubsub_api::database::check_table;
///
/// assert!(check_table("logical_port-2").is_ok());
/// assert!(check_table("logical port").is_err());
/// ```
pub fn check_table(table: &str) -> Result<()> {
    let is_good = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    if (1..=MAX_TABLE_BYTES).contains(&table.len()) && table.bytes().all(is_good) {
        return Ok(());
    }
    let text = format!(
        "{table:?} is no table: its name has 1 to {MAX_TABLE_BYTES} ASCII letters, digits, underscores and hyphens"
    );
    Err(Error::new(ErrorKind::Invalid, text))
}

/// Validates the topic of a row.
///
/// `None` is valid: a row may have no topic.
///
/// # Errors
/// [`ErrorKind::Invalid`] if the topic is invalid.
pub fn check_topic(topic: Option<&str>) -> Result<()> {
    match topic.map(|topic| crate::Topic::new(topic.to_owned())).transpose()? {
        Some(reserved) if reserved.is_reserved() => Err(Error::new(
            ErrorKind::Invalid,
            format!("the topic {reserved} is reserved: no row can be on it"),
        )),
        _ => Ok(()),
    }
}

/// Checks the size of a value.
///
/// # Errors
/// [`ErrorKind::Invalid`] if it is larger than [`MAX_VALUE_BYTES`].
pub fn check_value(value: &[u8]) -> Result<()> {
    if value.len() <= MAX_VALUE_BYTES {
        return Ok(());
    }
    let text = format!("a value has at most {MAX_VALUE_BYTES} bytes; this has {}", value.len());
    Err(Error::new(ErrorKind::Invalid, text))
}

/// The place of a row that was found.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RowPlace {
    /// Its key.
    pub key: String,
    /// Its topic; `None` for a row that was written without one.
    pub topic: Option<String>,
}

/// A row that was found.
///
/// The table is that of the call that found it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The place of the row.
    pub place: RowPlace,
    /// The value of the row.
    pub value: Bytes,
}

/// One of several writes.
///
/// In a [batch](super::DbApi::write_batch) both are idempotent: neither fails because of what the row was before.
///
/// ```
/// use bytes::Bytes;
/// use pubsub_api::database::{MAX_VALUE_BYTES, RowName, Write};
///
/// let row = RowName::new("lport", "port-1");
/// assert!(Write::Put(row, Bytes::from_static(b"{}")).check().is_ok());
/// assert!(Write::Put(row, Bytes::from(vec![b' '; MAX_VALUE_BYTES + 1])).check().is_err());
/// assert!(Write::Delete(RowName::new("lport", "")).check().is_err(), "a key has at least one byte");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Write<'a> {
    /// Creates the row or replaces its value.
    Put(RowName<'a>, Bytes),
    /// Deletes the row if it exists.
    Delete(RowName<'a>),
}

impl Write<'_> {
    /// Validates the write.
    ///
    /// # Errors
    /// As [`RowName::check`] and [`check_value`].
    pub fn check(&self) -> Result<()> {
        match self {
            Self::Put(row, value) => row.check().and_then(|()| check_value(value)),
            Self::Delete(row) => row.check(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{MAX_KEY_BYTES, MAX_TABLE_BYTES, MAX_VALUE_BYTES, RowName, Write, check_value};

    #[test]
    fn what_may_be_a_row_is_checked_part_by_part() {
        let (table, key) = ("t".repeat(MAX_TABLE_BYTES), "k".repeat(MAX_KEY_BYTES));
        for good in [
            RowName::new("lport", "{*}?[a].b c/\"'"),
            RowName::new("l_port-1", "ключ").on("tenant.1}"),
            RowName::new(&table, &key).on(None),
        ] {
            assert!(good.check().is_ok(), "{good}");
        }
        let (long_table, long_key, long_topic) = (table.clone() + "t", key.clone() + "k", "t".repeat(256));
        for bad in [
            RowName::new("", "k"),
            RowName::new("a.b", "k"),
            RowName::new("t{", "k"),
            RowName::new("tä", "k"),
            RowName::new(&long_table, "k"),
            RowName::new("t", ""),
            RowName::new("t", "a\0b"),
            RowName::new("t", &long_key),
            RowName::new("t", "k").on(""),
            RowName::new("t", "k").on("$hello"),
            RowName::new("t", "k").on(long_topic.as_str()),
        ] {
            assert_eq!(bad.check().unwrap_err().kind(), crate::ErrorKind::Invalid, "{bad}");
        }
    }
    #[test]
    fn a_value_of_one_byte_too_many_is_refused_naming_both_numbers() {
        let mut value = vec![0; MAX_VALUE_BYTES];
        assert!(check_value(&value).is_ok());
        value.push(0);
        let error = Write::Put(RowName::new("t", "k"), value.into()).check().unwrap_err();
        assert_eq!(error.kind(), crate::ErrorKind::Invalid);
        for number in [MAX_VALUE_BYTES, MAX_VALUE_BYTES + 1] {
            assert!(error.to_string().contains(&number.to_string()), "{error}");
        }
    }
}
