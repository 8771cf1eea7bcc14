use std::time::Duration;

use pubsub_api::settings::{Kind, SettingValue, quoted};

use super::declared::OptionValue;

/// What oslo.config has read, as a value of ours; numbers of time are seconds. The refusal stands after *not*.
pub(super) fn of_option(value: OptionValue, kind: &Kind) -> Result<SettingValue, String> {
    match (value, kind) {
        (OptionValue::Bool(value), _) => Ok(SettingValue::Bool(value)),
        (OptionValue::List(items), _) => Ok(SettingValue::List(items)),
        (OptionValue::Text(text), _) => Ok(SettingValue::Text(text)),
        (OptionValue::Integer(number), Kind::Duration { .. }) => {
            let seconds = u64::try_from(number).map(Duration::from_secs).map(SettingValue::Duration);
            seconds.map_err(|_| format!("\"{number}\" seconds"))
        }
        (OptionValue::Integer(number), _) => Ok(SettingValue::Integer(number)),
        (OptionValue::Float(number), _) => {
            let exact = Duration::try_from_secs_f64(number).map(SettingValue::Duration);
            exact.map_err(|_| format!("\"{number}\" seconds"))
        }
        (OptionValue::None, _) => Err(quoted("")),
    }
}

/// The finest unit that a settings file of ours can express.
pub(super) fn whole_milliseconds(value: SettingValue) -> SettingValue {
    match value {
        SettingValue::Duration(exact) => {
            let milliseconds = u64::try_from(exact.as_millis()).unwrap_or(u64::MAX);
            SettingValue::Duration(Duration::from_millis(milliseconds))
        }
        other => other,
    }
}
