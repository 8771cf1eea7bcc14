use std::ops::Range;
use std::time::Duration;

use serde_json::Value as Json;
use toml::Spanned;
use toml::de::{DeInteger, DeValue};

use pubsub_api::settings::{Kind, SettingValue, check_address, check_no_userinfo, quoted, shown};

use super::nearest::did_you_mean;
use super::unit;

/// How a value is written where it is not TOML.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    /// `--set` and environment variables.
    Plain,
    /// oslo.config: more words for true and false; a number is a duration in seconds.
    Oslo,
}

/// Why a TOML value was refused.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    /// The bytes of the value, or of the item of a list, that is wrong.
    pub(super) at: Range<usize>,
    /// What came, to stand after *not*.
    pub(super) came: String,
}

/// How a setting of a kind is read.
pub(super) trait ReadKind {
    /// Reads a value of a TOML file.
    fn read_toml(&self, raw: &Spanned<DeValue<'_>>) -> Result<SettingValue, Refusal>;

    /// Reads a value of the command line, the environment or an oslo.config file. The refusal names what it found, to
    /// stand after *not*.
    fn read_text(&self, text: &str, dialect: Dialect) -> Result<SettingValue, String>;

    /// Checks a value that another reader has made, item by item. The refusal stands after *not*.
    fn accept(&self, value: SettingValue) -> Result<SettingValue, String>;
}

impl ReadKind for Kind {
    fn read_toml(&self, raw: &Spanned<DeValue<'_>>) -> Result<SettingValue, Refusal> {
        let read = match (self, raw.get_ref()) {
            (Self::Bool, DeValue::Boolean(value)) => Ok(SettingValue::Bool(*value)),
            (Self::Integer { .. }, DeValue::Integer(number)) => {
                toml_integer(number).map(SettingValue::Integer)
            }
            (Self::Bytes { .. }, DeValue::Integer(number)) => {
                let bytes = toml_integer(number).map(u64::try_from);
                bytes.and_then(|bytes| bytes.map_err(|_| shown(&number.to_string()))).map(SettingValue::Bytes)
            }
            (Self::Bytes { .. }, DeValue::String(text)) => unit::parse_bytes(text).map(SettingValue::Bytes),
            (Self::Duration { .. }, DeValue::String(text)) => {
                unit::parse_duration(text).map(SettingValue::Duration)
            }
            (Self::Duration { .. }, DeValue::Integer(number)) => {
                let number = shown(&number.to_string());
                Err(format!(r#"{number} without a unit: write "{number}s" or "{number}ms""#))
            }
            (Self::Text | Self::Path | Self::Choice(_), DeValue::String(text)) => {
                Ok(SettingValue::Text(text.clone().into_owned()))
            }
            (Self::List | Self::Addresses, DeValue::Array(items)) => {
                return read_toml_list(self, items.iter());
            }
            (Self::Addresses, DeValue::String(text)) if text.contains('@') => {
                check_no_userinfo(text).map(|()| SettingValue::List(Vec::new()))
            }
            (Self::List | Self::Addresses, DeValue::String(text)) => {
                Err(format!("the text {0}: put it in brackets, as in [{0}]", quoted(text)))
            }
            (Self::Integer { .. } | Self::Bool, DeValue::String(text)) => {
                Err(format!("the text {}: leave out the quotation marks", quoted(text)))
            }
            (_, other) => Err(describe(other)),
        };
        read.and_then(|value| check(self, value)).map_err(|came| Refusal { at: raw.span(), came })
    }

    fn read_text(&self, text: &str, dialect: Dialect) -> Result<SettingValue, String> {
        let value = match self {
            Self::Bool => SettingValue::Bool(read_bool(text, dialect)?),
            Self::Integer { .. } => SettingValue::Integer(text.trim().parse().map_err(|_| quoted(text))?),
            Self::Text | Self::Path | Self::Choice(_) => SettingValue::Text(text.to_owned()),
            Self::Duration { .. } => SettingValue::Duration(read_duration(text, dialect)?),
            Self::Bytes { .. } => SettingValue::Bytes(unit::parse_bytes(text)?),
            Self::List | Self::Addresses => SettingValue::List(read_list(self, text, dialect)?),
        };
        check(self, value)
    }

    fn accept(&self, value: SettingValue) -> Result<SettingValue, String> {
        if let SettingValue::List(items) = &value {
            items.iter().try_for_each(|item| check_item(self, item))?;
        }
        check(self, value)
    }
}

fn read_toml_list<'a, 'i: 'a>(
    kind: &Kind,
    items: impl Iterator<Item = &'a Spanned<DeValue<'i>>>,
) -> Result<SettingValue, Refusal> {
    let item = |item: &Spanned<DeValue<'_>>| {
        let text = match item.get_ref() {
            DeValue::String(text) => Ok(text.clone().into_owned()),
            other => Err(format!("{} among its items", describe(other))),
        };
        text.and_then(|text| check_item(kind, &text).map(|()| text))
            .map_err(|came| Refusal { at: item.span(), came })
    };
    items.map(item).collect::<Result<_, _>>().map(SettingValue::List)
}

fn read_list(kind: &Kind, text: &str, dialect: Dialect) -> Result<Vec<String>, String> {
    let mut list = Vec::new();
    if text.trim().is_empty() {
        return Ok(list);
    }
    // Before the text is split: a password may hold a comma.
    if *kind == Kind::Addresses {
        check_no_userinfo(text)?;
    }
    for item in text.split(',').map(str::trim) {
        match (item.is_empty(), dialect) {
            // A list that is continued on the next line has a comma at its end.
            (true, Dialect::Oslo) => continue,
            (true, Dialect::Plain) => {
                return Err(format!("{} with nothing between its commas", quoted(text)));
            }
            (false, _) => check_item(kind, item)?,
        }
        list.push(item.to_owned());
    }
    Ok(list)
}

fn check_item(kind: &Kind, item: &str) -> Result<(), String> {
    match kind {
        Kind::Addresses => check_address(item),
        _ => Ok(()),
    }
}

fn check(kind: &Kind, value: SettingValue) -> Result<SettingValue, String> {
    let in_bounds = match (kind, &value) {
        (Kind::Integer { min, max }, SettingValue::Integer(number)) => (min..=max).contains(&number),
        (Kind::Duration { min, max }, SettingValue::Duration(duration)) => (min..=max).contains(&duration),
        (Kind::Bytes { min, max }, SettingValue::Bytes(bytes)) => (min..=max).contains(&bytes),
        (Kind::Path, SettingValue::Text(path)) => !path.is_empty() && !path.contains('\0'),
        (Kind::Choice(words), SettingValue::Text(text)) => {
            if !words.contains(&text.as_str()) {
                return Err(format!("{}{}", quoted(text), did_you_mean(text, words.iter().copied())));
            }
            true
        }
        _ => true,
    };
    if in_bounds { Ok(value) } else { Err(shown(&value.to_toml())) }
}

/// How a value is written down.
pub(super) trait WriteValue {
    /// The value as JSON, of the type that it has in TOML.
    fn to_json(&self) -> Json;

    /// The value as the TOML text that sets it.
    fn to_toml(&self) -> String;
}

impl WriteValue for SettingValue {
    fn to_json(&self) -> Json {
        match self {
            Self::Bool(value) => Json::from(*value),
            Self::Integer(number) => Json::from(*number),
            Self::Text(text) => Json::from(text.as_str()),
            Self::Duration(duration) => Json::from(unit::show_duration(*duration)),
            Self::Bytes(bytes) => {
                let text = unit::show_bytes(*bytes);
                if text.ends_with('B') { Json::from(text) } else { Json::from(*bytes) }
            }
            Self::List(items) => Json::from(items.as_slice()),
        }
    }

    fn to_toml(&self) -> String {
        match self {
            Self::Bool(value) => value.to_string(),
            Self::Integer(number) => number.to_string(),
            Self::Text(text) => basic_string(text),
            Self::Duration(duration) => basic_string(&unit::show_duration(*duration)),
            Self::Bytes(bytes) => {
                let text = unit::show_bytes(*bytes);
                if text.ends_with('B') { basic_string(&text) } else { text }
            }
            Self::List(items) => {
                let items: Vec<_> = items.iter().map(|item| basic_string(item)).collect();
                format!("[{}]", items.join(", "))
            }
        }
    }
}

fn toml_integer(number: &DeInteger<'_>) -> Result<i64, String> {
    i64::from_str_radix(number.as_str(), number.radix()).map_err(|_| shown(&number.to_string()))
}

/// The words of oslo.config's `types.Boolean`, and of ours only two.
fn read_bool(text: &str, dialect: Dialect) -> Result<bool, String> {
    match (text.trim().to_ascii_lowercase().as_str(), dialect) {
        ("true", Dialect::Oslo) | ("1" | "on" | "yes", Dialect::Oslo) => Ok(true),
        ("false", Dialect::Oslo) | ("0" | "off" | "no", Dialect::Oslo) => Ok(false),
        (_, Dialect::Plain) if text == "true" => Ok(true),
        (_, Dialect::Plain) if text == "false" => Ok(false),
        _ => Err(quoted(text)),
    }
}

/// A duration; in oslo.config a bare number, also a broken one, counts seconds, kept to the millisecond.
fn read_duration(text: &str, dialect: Dialect) -> Result<Duration, String> {
    match text.trim().parse::<f64>() {
        Ok(seconds) if dialect == Dialect::Oslo => {
            let exact =
                Duration::try_from_secs_f64(seconds).map_err(|_| format!("{} seconds", quoted(text)))?;
            u64::try_from(exact.as_millis())
                .map(Duration::from_millis)
                .map_err(|_| format!("{} seconds", quoted(text)))
        }
        _ => unit::parse_duration(text),
    }
}

fn describe(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(text) => format!("the text {}", quoted(text)),
        DeValue::Integer(number) => format!("the number {}", shown(&number.to_string())),
        DeValue::Float(number) => format!("the number {}", shown(number.as_str())),
        DeValue::Boolean(value) => value.to_string(),
        DeValue::Datetime(date) => format!("the date {date}"),
        DeValue::Array(_) => "a list".to_owned(),
        DeValue::Table(_) => "a section".to_owned(),
    }
}

/// A TOML basic string.
fn basic_string(text: &str) -> String {
    let mut basic = String::with_capacity(text.len() + 2);
    basic.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => basic.extend(['\\', c]),
            '\n' => basic.push_str("\\n"),
            '\t' => basic.push_str("\\t"),
            c if c.is_control() => basic.push_str(&format!("\\u{:04X}", u32::from(c))),
            c => basic.push(c),
        }
    }
    basic.push('"');
    basic
}
