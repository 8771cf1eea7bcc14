use std::path::PathBuf;
use std::time::Duration;

use crate::SettingValue;

/// A type that a field of a [declared](crate::declare_settings!) struct may have.
///
/// | type of the field | [`Kind`](crate::Kind) |
/// |---|---|
/// | `bool` | `Bool` |
/// | `i64`, `u8`, `u16`, `u32` | `Integer` |
/// | `u64` | `Bytes` |
/// | `usize` | `Integer` or `Bytes` |
/// | `Duration` | `Duration` |
/// | `String`, `Option<String>`, `PathBuf`, `Option<PathBuf>` | `Text`, `Path`, `Choice` |
/// | `Vec<String>` | `List`, `Addresses` |
/// | an enum of [`choice!`](crate::choice!) | `Choice` |
///
/// An `Option` is `None` if the text is empty.
///
/// ```
/// use settings_declaration::{FromValue, SettingValue};
///
/// assert_eq!(u16::from_value(&SettingValue::Integer(8866)), Some(8866));
/// assert_eq!(u16::from_value(&SettingValue::Integer(-1)), None, "out of the type's bounds");
/// assert_eq!(bool::from_value(&SettingValue::Integer(1)), None, "another kind");
/// assert_eq!(Option::<String>::from_value(&SettingValue::Text(String::new())), Some(None));
/// ```
pub trait FromValue: Sized {
    /// Converts the value to this type; `None` if it has another kind, or is out of the type's bounds.
    fn from_value(value: &SettingValue) -> Option<Self>;
}

impl FromValue for bool {
    fn from_value(value: &SettingValue) -> Option<Self> {
        if let SettingValue::Bool(value) = value { Some(*value) } else { None }
    }
}

impl FromValue for i64 {
    fn from_value(value: &SettingValue) -> Option<Self> {
        if let SettingValue::Integer(number) = value { Some(*number) } else { None }
    }
}

impl FromValue for u8 {
    fn from_value(value: &SettingValue) -> Option<Self> {
        i64::from_value(value)?.try_into().ok()
    }
}

impl FromValue for u16 {
    fn from_value(value: &SettingValue) -> Option<Self> {
        i64::from_value(value)?.try_into().ok()
    }
}

impl FromValue for u32 {
    fn from_value(value: &SettingValue) -> Option<Self> {
        i64::from_value(value)?.try_into().ok()
    }
}

impl FromValue for u64 {
    fn from_value(value: &SettingValue) -> Option<Self> {
        if let SettingValue::Bytes(bytes) = value { Some(*bytes) } else { None }
    }
}

/// A number of items, or of bytes in memory.
impl FromValue for usize {
    fn from_value(value: &SettingValue) -> Option<Self> {
        match value {
            SettingValue::Integer(number) => (*number).try_into().ok(),
            SettingValue::Bytes(bytes) => (*bytes).try_into().ok(),
            _ => None,
        }
    }
}

impl FromValue for Duration {
    fn from_value(value: &SettingValue) -> Option<Self> {
        if let SettingValue::Duration(duration) = value { Some(*duration) } else { None }
    }
}

impl FromValue for String {
    fn from_value(value: &SettingValue) -> Option<Self> {
        if let SettingValue::Text(text) = value { Some(text.clone()) } else { None }
    }
}

impl FromValue for PathBuf {
    fn from_value(value: &SettingValue) -> Option<Self> {
        String::from_value(value).map(Self::from)
    }
}

impl FromValue for Vec<String> {
    fn from_value(value: &SettingValue) -> Option<Self> {
        if let SettingValue::List(items) = value { Some(items.clone()) } else { None }
    }
}

/// `None` if the text is empty.
impl FromValue for Option<String> {
    fn from_value(value: &SettingValue) -> Option<Self> {
        let text = String::from_value(value)?;
        Some((!text.is_empty()).then_some(text))
    }
}

/// `None` if the text is empty.
impl FromValue for Option<PathBuf> {
    fn from_value(value: &SettingValue) -> Option<Self> {
        Option::<String>::from_value(value).map(|path| path.map(PathBuf::from))
    }
}
