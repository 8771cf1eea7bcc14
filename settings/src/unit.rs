use std::time::Duration;

use pubsub_api::settings::{quoted, shown};

/// The units of a duration, in milliseconds.
const DURATIONS: &[(&str, u64)] = &[("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

/// The units of a size, in bytes.
const SIZES: &[(&str, u64)] = &[("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)];

/// A duration from `250ms`, `5s`, `2m` or `1h`: a whole number with its unit.
///
/// ```
/// use std::time::Duration;
/// use settings::parse_duration;
///
/// assert_eq!(parse_duration("250ms"), Ok(Duration::from_millis(250)));
/// assert!(parse_duration("250").is_err(), "which unit?");
/// ```
///
/// The units are `ms`, `s`, `m` and `h`. Fractions and sums (`1.5s`, `1m30s`) are refused: write `1500ms`, `90s`.
///
/// # Errors
/// What to write instead, continuing the words *not …*.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    let (number, unit) = split(text);
    if number.is_empty() {
        return Err(format!("{}: write a whole number and ms, s, m or h", quoted(text)));
    }
    if unit.is_empty() {
        return Err(format!("{0} without a unit: write {0}s or {0}ms", shown(number)));
    }
    let Some((_, factor)) = DURATIONS.iter().find(|(known, _)| *known == unit) else {
        return Err(format!("{}: write a whole number and one of the units ms, s, m, h", quoted(text)));
    };
    let milliseconds = number.parse::<u64>().ok().and_then(|number| number.checked_mul(*factor));
    milliseconds.map(Duration::from_millis).ok_or_else(|| format!("{}, which is too great", quoted(text)))
}

/// A size from `64MiB` or plain `67108864`. The refusal continues the words *not …*.
pub(super) fn parse_bytes(text: &str) -> Result<u64, String> {
    let (number, unit) = split(text);
    if number.is_empty() {
        return Err(format!(
            "{}: write a whole number, and KiB, MiB or GiB unless it counts bytes",
            quoted(text)
        ));
    }
    let factor = match SIZES.iter().find(|(known, _)| *known == unit) {
        Some((_, factor)) => *factor,
        None if unit.is_empty() => 1,
        None => {
            return Err(format!(
                "{}: write a plain number of bytes, or one of the units KiB, MiB, GiB",
                quoted(text)
            ));
        }
    };
    let bytes = number.parse::<u64>().ok().and_then(|number| number.checked_mul(factor));
    bytes.ok_or_else(|| format!("{}, which is too great", quoted(text)))
}

/// The shortest exact spelling, as in `2m` or `250ms`; parts of a millisecond are cut off.
pub(super) fn show_duration(duration: Duration) -> String {
    let milliseconds = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    if milliseconds == 0 {
        return "0s".to_owned();
    }
    show(milliseconds, DURATIONS).unwrap_or_else(|| format!("{milliseconds}ms"))
}

/// The shortest exact spelling, as in `64MiB` or `1000`.
pub(super) fn show_bytes(bytes: u64) -> String {
    show(bytes, SIZES).unwrap_or_else(|| bytes.to_string())
}

fn show(number: u64, units: &[(&str, u64)]) -> Option<String> {
    let (unit, factor) = units.iter().find(|(_, factor)| number != 0 && number.is_multiple_of(*factor))?;
    Some(format!("{}{unit}", number / factor))
}

fn split(text: &str) -> (&str, &str) {
    let text = text.trim();
    text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()))
}

#[cfg(test)]
mod tests {
    use super::{parse_bytes, parse_duration, show_bytes, show_duration};

    #[test]
    fn a_duration_is_a_whole_number_with_its_unit() {
        for (text, milliseconds) in
            [("0s", 0), ("250ms", 250), (" 5s ", 5_000), ("2m", 120_000), ("1h", 3_600_000)]
        {
            assert_eq!(parse_duration(text).unwrap().as_millis(), milliseconds, "{text}");
        }
    }

    #[test]
    fn a_duration_without_a_known_unit_is_refused_saying_which_to_write() {
        for (text, says) in [
            ("10", "10 without a unit: write 10s or 10ms"),
            ("", "\"\": write a whole number and ms, s, m or h"),
            ("5 sec", "the units ms, s, m, h"),
            ("1.5s", "a whole number and one of the units"),
            ("-1s", "a whole number"),
            ("5S", "the units ms, s, m, h"),
            ("99999999999999999h", "too great"),
        ] {
            let refusal = parse_duration(text).unwrap_err();
            assert!(refusal.contains(says), "{text}: {refusal}");
        }
    }

    #[test]
    fn a_size_is_plain_bytes_or_has_a_binary_unit() {
        for (text, bytes) in
            [("0", 0), ("1000", 1000), ("512KiB", 524_288), ("64MiB", 67_108_864), ("1GiB", 1 << 30)]
        {
            assert_eq!(parse_bytes(text).unwrap(), bytes, "{text}");
        }
        for text in ["", "MiB", "64MB", "64 MiB", "64mib", "-1", "99999999999999GiB"] {
            assert!(parse_bytes(text).is_err(), "{text}");
        }
    }

    #[test]
    fn what_is_shown_parses_to_the_same() {
        for text in ["0s", "1ms", "1001ms", "59s", "1m", "90s", "90m", "2h"] {
            assert_eq!(show_duration(parse_duration(text).unwrap()), text);
        }
        for text in ["0", "1", "1000", "1KiB", "1025", "64MiB", "3GiB"] {
            assert_eq!(show_bytes(parse_bytes(text).unwrap()), text);
        }
    }
}
