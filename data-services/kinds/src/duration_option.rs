use std::ops::RangeInclusive;
use std::time::Duration;

use serde::{Deserialize, Deserializer, de};

/// The intervals that options may name.
const INTERVALS: RangeInclusive<Duration> = Duration::from_millis(10)..=Duration::from_secs(24 * 3600);

/// Reads an interval such as `"250ms"` or `"10s"`, 10 ms to 24 h.
pub(crate) fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let text = String::deserialize(deserializer)?;
    let interval = settings::parse_duration(&text)
        .map_err(|problem| de::Error::custom(format!("an interval is expected, not {problem}")))?;
    if !INTERVALS.contains(&interval) {
        return Err(de::Error::custom(format!("an interval is 10ms to 24h, not {text:?}")));
    }
    Ok(interval)
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::{Duration, read};

    #[derive(Debug, Deserialize)]
    struct Options {
        #[serde(deserialize_with = "read")]
        interval: Duration,
    }

    #[test]
    fn an_interval_has_a_unit_and_bounds() {
        let options: Options = serde_json::from_str(r#"{"interval": "250ms"}"#).unwrap();
        assert_eq!(options.interval, Duration::from_millis(250));
        for (bad, says) in [("10", "without a unit"), ("1ms", "10ms to 24h"), ("25h", "10ms to 24h")] {
            let error = serde_json::from_str::<Options>(&format!(r#"{{"interval": "{bad}"}}"#)).unwrap_err();
            assert!(error.to_string().contains(says), "{bad}: {error}");
        }
    }
}
