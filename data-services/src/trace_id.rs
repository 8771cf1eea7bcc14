use std::fmt;

use pubsub_api::{Error, ErrorKind, Result};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The id of a trace: 16 bytes that name one piece of work across services and nodes, as in W3C Trace Context
/// (<https://www.w3.org/TR/trace-context/#trace-id>).
///
/// A call and a table change may carry one, from end to end: [`CallOptions::traced`](crate::CallOptions::traced) and
/// [`Call::trace`](crate::Call::trace), [`Transaction::traced`](crate::Transaction::traced) and
/// [`ChangedRows::trace`](crate::ChangedRows::trace). The engine passes it on and shows it; it records no spans.
///
/// ```
/// use data_services::TraceId;
///
/// # fn main() -> pubsub_api::Result<()> {
/// let trace = TraceId::new("4bf92f3577b34da6a3ce929d0e0e4736")?;
/// assert_eq!(trace, TraceId::new("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")?);
/// assert_eq!(trace.to_string(), "4bf92f3577b34da6a3ce929d0e0e4736");
/// assert!(TraceId::new("00000000000000000000000000000000").is_err());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TraceId([u8; 16]);

impl TraceId {
    /// Reads an id: 32 hexadecimal digits in lower case, or a `traceparent` header, of which it is the second field.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] for anything else, and for 32 zeros, which stand for no trace.
    pub fn new(text: &str) -> Result<Self> {
        let fields: Vec<&str> = text.split('-').collect();
        let digits = match fields[..] {
            [id] => Some(id),
            [version, id, parent, flags, ..] => {
                let is_header = is_hex(version, 2) && is_hex(parent, 16) && is_hex(flags, 2);
                // Only later versions have more fields (W3C Trace Context, 2.2.4).
                let is_whole = fields.len() == 4 || version != "00";
                (is_header && is_whole && version != "ff").then_some(id)
            }
            _ => None,
        };
        let number = digits.filter(|id| is_hex(id, 32)).and_then(|id| u128::from_str_radix(id, 16).ok());
        number.filter(|number| *number != 0).map(|number| Self(number.to_be_bytes())).ok_or_else(|| {
            let text = format!(
                "expected a trace id of 32 hexadecimal digits in lower case, not all 0, or a traceparent, found {text:?}"
            );
            Error::new(ErrorKind::Invalid, text)
        })
    }

    /// Draws a new one.
    #[must_use]
    pub fn random() -> Self {
        Self(fastrand::u128(1..).to_be_bytes())
    }

    fn halves(self) -> (u64, u64) {
        let number = u128::from_be_bytes(self.0);
        // The upper and the lower half: nothing is lost.
        ((number >> 64) as u64, number as u64)
    }
}

fn is_hex(text: &str, digits: usize) -> bool {
    text.len() == digits && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// 32 hexadecimal digits.
impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", u128::from_be_bytes(self.0))
    }
}

impl fmt::Debug for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Digits in JSON, two numbers in a packet.
impl Serialize for TraceId {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        match serializer.is_human_readable() {
            true => serializer.collect_str(self),
            false => self.halves().serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for TraceId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            return Self::new(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom);
        }
        let (upper, lower) = <(u64, u64)>::deserialize(deserializer)?;
        Ok(Self(((u128::from(upper) << 64) | u128::from(lower)).to_be_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::TraceId;

    #[test]
    fn an_id_survives_packets_and_json() {
        for trace in [TraceId::random(), TraceId::new("0000000000000001000000000000000f").unwrap()] {
            let packed = rmp_serde::to_vec(&Some(trace)).unwrap();
            assert_eq!(rmp_serde::from_slice::<Option<TraceId>>(&packed).unwrap(), Some(trace));
            let json = serde_json::to_string(&trace).unwrap();
            assert_eq!(json, format!("\"{trace}\""));
            assert_eq!(serde_json::from_str::<TraceId>(&json).unwrap(), trace);
        }
    }

    #[test]
    fn what_is_no_trace_id_is_refused() {
        let id = "4bf92f3577b34da6a3ce929d0e0e4736";
        assert!(TraceId::new(&format!("01-{id}-00f067aa0ba902b7-01-more")).is_ok());
        for wrong in [
            "",
            "4bf92f3577b34da6a3ce929d0e0e473",
            "4BF92F3577B34DA6A3CE929D0E0E4736",
            "+bf92f3577b34da6a3ce929d0e0e4736",
            &"0".repeat(32),
            &format!("00-{id}"),
            &format!("00-{id}-00f067aa0ba902b7-01-more"),
            &format!("ff-{id}-00f067aa0ba902b7-01"),
            &format!("00-{id}-00f067aa0ba902b7-0g"),
        ] {
            assert!(TraceId::new(wrong).is_err(), "{wrong}");
        }
    }
}
