use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use tracing::callsite::Identifier;
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

/// Formats log lines, and limits those of each place in the code, at INFO and above: a fault that makes a place log without end fills
/// no disk. The next line of the place has the number of lines that were left out, as `suppressed`.
#[derive(Debug)]
pub(crate) struct LogLimit<F> {
    format: F,
    places: Mutex<HashMap<Identifier, Bucket>>,
}

/// The number of lines that one place may log at once.
const BURST: f64 = 1000.0;

/// The number of lines per second that it may log after that.
const PER_SECOND: f64 = 100.0;

/// A token bucket.
#[derive(Debug)]
struct Bucket {
    tokens: f64,
    at: Instant,
    suppressed: u64,
}

impl Bucket {
    fn new(now: Instant) -> Self {
        Self { tokens: BURST, at: now, suppressed: 0 }
    }

    /// The number of lines that were suppressed before this one; `None` if this one is suppressed as well.
    fn admit(&mut self, now: Instant) -> Option<u64> {
        let gained = now.saturating_duration_since(self.at).as_secs_f64() * PER_SECOND;
        (self.tokens, self.at) = (BURST.min(self.tokens + gained), now);
        if self.tokens < 1.0 {
            self.suppressed += 1;
            return None;
        }
        self.tokens -= 1.0;
        Some(std::mem::take(&mut self.suppressed))
    }
}

impl<F> LogLimit<F> {
    pub(crate) fn new(format: F) -> Self {
        Self { format, places: Mutex::default() }
    }

    fn admit(&self, event: &Event<'_>, now: Instant) -> Option<u64> {
        if *event.metadata().level() > Level::INFO {
            return Some(0);
        }
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        places.entry(event.metadata().callsite()).or_insert_with(|| Bucket::new(now)).admit(now)
    }
}

impl<S, N, F> FormatEvent<S, N> for LogLimit<F>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
    F: FormatEvent<S, N>,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        match self.admit(event, Instant::now()) {
            None => Ok(()),
            Some(0) => self.format.format_event(context, writer, event),
            Some(suppressed) => {
                let mut line = String::new();
                self.format.format_event(context, Writer::new(&mut line), event)?;
                writer.write_str(&with_suppressed(&line, suppressed))
            }
        }
    }
}

/// The line with one more field: before the end of an object, or at the end of a line of text.
fn with_suppressed(line: &str, suppressed: u64) -> String {
    let line = line.trim_end();
    match line.strip_suffix('}').filter(|_| line.starts_with('{')) {
        Some(object) => format!("{object},\"suppressed\":{suppressed}}}\n"),
        None => format!("{line} suppressed={suppressed}\n"),
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Arc, Mutex};
    use std::time::{Duration, Instant};

    use tracing_subscriber::fmt::format;
    use tracing_subscriber::fmt::format::JsonFields;

    use super::{BURST, Bucket, LogLimit, PER_SECOND, with_suppressed};

    #[test]
    fn a_place_logs_a_burst_and_then_its_rate_and_the_next_line_has_the_number_of_the_others() {
        let mut now = Instant::now();
        let mut bucket = Bucket::new(now);
        for _ in 0..BURST as usize {
            assert_eq!(bucket.admit(now), Some(0));
        }
        for _ in 0..70 {
            assert_eq!(bucket.admit(now), None);
        }
        now += Duration::from_secs_f64(1.0 / PER_SECOND + 0.000_001);
        assert_eq!(bucket.admit(now), Some(70));
        assert_eq!(bucket.admit(now), None);
        now += Duration::from_secs(3600);
        assert_eq!(bucket.admit(now), Some(1));
        assert_eq!((1..BURST as usize + 5).filter_map(|_| bucket.admit(now)).count(), BURST as usize - 1);
    }

    #[test]
    fn the_number_is_a_field_of_either_format() {
        assert_eq!(with_suppressed("{\"level\":\"WARN\"}\n", 7), "{\"level\":\"WARN\",\"suppressed\":7}\n");
        assert_eq!(
            with_suppressed("WARN lost {it} id=\"SK0501\"\n", 7),
            "WARN lost {it} id=\"SK0501\" suppressed=7\n"
        );
    }

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn one_place_that_floods_the_log_costs_no_other_place_a_line() {
        let lines = Lines::default();
        let writer = lines.clone();
        let log = tracing_subscriber::fmt().with_writer(move || writer.clone()).fmt_fields(JsonFields::new());
        let log = log.event_format(LogLimit::new(format().json().flatten_event(true))).finish();
        tracing::subscriber::with_default(log, || {
            for number in 0..10_000 {
                tracing::warn!(id = "SK0001", number, "again");
            }
            tracing::error!(id = "SK0002", "another place");
        });
        let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
        let count = |id: &str| text.lines().filter(|line| line.contains(id)).count();
        assert!((BURST as usize..9_000).contains(&count("SK0001")), "{}", count("SK0001"));
        assert_eq!(count("SK0002"), 1);
        for line in text.lines() {
            serde_json::from_str::<serde_json::Value>(line).unwrap();
        }
    }
}
