use std::time::Duration;

use pubsub_api::settings::{Kind, Value, quoted};

use super::declared::OptionValue;

/// What oslo.config has read, as a value of ours; numbers of time are seconds. The refusal stands after *not*.
pub(super) fn of_option(value: OptionValue, kind: &Kind) -> Result<Value, String> {
    match (value, kind) {
        (OptionValue::Bool(value), _) => Ok(Value::Bool(value)),
        (OptionValue::List(items), _) => Ok(Value::List(items)),
        (OptionValue::Text(text), _) => Ok(Value::Text(text)),
        (OptionValue::Integer(number), Kind::Duration { .. }) => {
            let seconds = u64::try_from(number).map(Duration::from_secs).map(Value::Duration);
            seconds.map_err(|_| format!("\"{number}\" seconds"))
        }
        (OptionValue::Integer(number), _) => Ok(Value::Integer(number)),
        (OptionValue::Float(number), _) => {
            let exact = Duration::try_from_secs_f64(number).map(Value::Duration);
            exact.map_err(|_| format!("\"{number}\" seconds"))
        }
        (OptionValue::None, _) => Err(quoted("")),
    }
}

/// The finest that a settings file of ours can say.
pub(super) fn whole_milliseconds(value: Value) -> Value {
    match value {
        Value::Duration(exact) => {
            let milliseconds = u64::try_from(exact.as_millis()).unwrap_or(u64::MAX);
            Value::Duration(Duration::from_millis(milliseconds))
        }
        other => other,
    }
}
