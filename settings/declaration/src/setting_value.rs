use std::time::Duration;

/// The value of a setting, checked against its [`Kind`](crate::Kind).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SettingValue {
    /// Of the kind bool.
    Bool(bool),
    /// Of the kind integer.
    Integer(i64),
    /// Of the kinds text, path and choice.
    Text(String),
    /// Of the kind duration.
    Duration(Duration),
    /// Of the kind bytes.
    Bytes(u64),
    /// Of the kinds list and addresses.
    List(Vec<String>),
}
