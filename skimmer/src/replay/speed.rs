use std::str::FromStr;
use std::time::Duration;

/// How fast a recording is played.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Speed {
    /// The times between entries are divided by this.
    Factor(f64),
    /// Without pauses.
    Max,
}

/// The slowest speed; a pause of a second takes 17 minutes.
const SLOWEST: f64 = 0.001;

impl FromStr for Speed {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "max" {
            return Ok(Self::Max);
        }
        let factor = text.parse::<f64>().ok().filter(|factor| factor.is_finite() && *factor >= SLOWEST);
        factor.map(Self::Factor).ok_or_else(|| format!("write max, or a number from {SLOWEST}"))
    }
}

impl Speed {
    /// How long after the begin an entry is due that came `nanoseconds` after the first; `None` at once.
    pub(super) fn due_after(self, nanoseconds: u64) -> Option<Duration> {
        match self {
            Self::Max => None,
            Self::Factor(factor) => {
                Duration::try_from_secs_f64(Duration::from_nanos(nanoseconds).as_secs_f64() / factor).ok()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Speed;

    #[test]
    fn times_are_divided_by_the_factor() {
        let second = 1_000_000_000;
        for (text, wanted) in [("1", Some(1000)), ("10", Some(100)), ("0.5", Some(2000)), ("max", None)] {
            let due = text.parse::<Speed>().unwrap().due_after(second);
            assert_eq!(due, wanted.map(Duration::from_millis), "{text}");
        }
        assert!("0.001".parse::<Speed>().unwrap().due_after(u64::MAX).is_some());
    }

    #[test]
    fn what_is_no_speed_is_refused() {
        for text in ["0", "-1", "nan", "inf", "fast", ""] {
            assert!(text.parse::<Speed>().is_err(), "{text}");
        }
    }
}
