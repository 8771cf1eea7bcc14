use pubsub_api::settings::{Kind, Setting};

use super::unit;

/// What a kind accepts, as the object of *wants*.
pub(super) fn wanted(kind: &Kind) -> String {
    match *kind {
        Kind::Bool => "true or false".to_owned(),
        Kind::Integer { min, max: i64::MAX } => format!("a whole number, {min} or more"),
        Kind::Integer { min, max } => format!("a whole number from {min} to {max}"),
        Kind::Text => "a text".to_owned(),
        Kind::Path => "a path".to_owned(),
        Kind::Duration { min, max } => {
            let (min, max) = (unit::show_duration(min), unit::show_duration(max));
            format!(r#"a duration from {min} to {max}, such as "5s" or "250ms""#)
        }
        Kind::Bytes { min, max: u64::MAX } => {
            format!(r#"a size, {} or more, in bytes or such as "64MiB""#, unit::show_bytes(min))
        }
        Kind::Bytes { min, max } => {
            let (min, max) = (unit::show_bytes(min), unit::show_bytes(max));
            format!(r#"a size from {min} to {max}, in bytes or such as "64MiB""#)
        }
        Kind::List => "a list of texts".to_owned(),
        Kind::Addresses => "a list of addresses, each `ip`, `ip:port`, `host` or `host:port`".to_owned(),
        Kind::Choice(words) => format!("one of {}", words.join(", ")),
    }
}

/// The sentence about a value that a setting does not accept.
pub(super) fn wants(setting: &Setting, came: &str) -> String {
    format!("`{}` wants {}, not {came}", setting.name, wanted(&setting.kind))
}
