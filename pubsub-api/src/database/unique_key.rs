use crate::{Error, ErrorKind, Result};

/// The table that stores the last number that was returned for each table (docs/dragonflow.md#api).
pub const UNIQUE_KEY_TABLE: &str = "unique_key";

/// Returns the number after `last`, for drivers whose database has no counter of its own.
///
/// The largest number is [`i64::MAX`], as with Redis's `INCR`.
///
/// ```
/// use pubsub_api::database::next_unique_key;
///
/// assert_eq!(next_unique_key("lport", None)?, 1);
/// assert_eq!(next_unique_key("lport", Some(b"41"))?, 42);
/// assert!(next_unique_key("lport", Some(b"forty-one")).is_err());
/// # Ok::<(), pubsub_api::Error>(())
/// ```
///
/// # Errors
/// [`ErrorKind::Invalid`] if `last` is not a number in decimal digits, or is the largest one.
pub fn next_unique_key(table: &str, last: Option<&[u8]>) -> Result<u64> {
    let Some(last) = last else { return Ok(1) };
    let number = std::str::from_utf8(last).ok().and_then(|text| {
        let number = text.parse::<i64>().ok()?;
        (number.to_string() == text).then_some(number)
    });
    let next = number.and_then(|number| number.checked_add(1)).and_then(|next| u64::try_from(next).ok());
    next.ok_or_else(|| {
        let text = format!(
            "there is no number after {:?}, which stands in {UNIQUE_KEY_TABLE}/{table}: write there the last number \
             that was given, in decimal digits",
            String::from_utf8_lossy(last)
        );
        Error::new(ErrorKind::Invalid, text)
    })
}

#[cfg(test)]
mod tests {
    use super::next_unique_key;

    #[test]
    fn only_what_a_counter_writes_is_counted_on() {
        for (last, next) in [("0", 1), ("1", 2), ("9223372036854775806", 9_223_372_036_854_775_807)] {
            assert_eq!(next_unique_key("t", Some(last.as_bytes())).unwrap(), next);
        }
        for bad in
            ["", " 1", "1 ", "01", "+1", "-5", "1.0", "{}", "9223372036854775807", "99999999999999999999"]
        {
            let error = next_unique_key("t", Some(bad.as_bytes())).unwrap_err();
            assert_eq!(error.kind(), crate::ErrorKind::Invalid, "{bad:?}");
        }
        assert!(next_unique_key("t", Some(b"\xff")).is_err());
    }
}
