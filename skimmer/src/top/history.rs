use std::collections::BTreeMap;
use std::time::Duration;

use pubsub_api::Status;
use service_kit::StatusDocument;

use super::sample::{Sample, SampledAgents};

/// What was seen of the programs so far: enough for rates, for what is gone, and for when losses rose. It has no clock.
#[derive(Debug, Default)]
pub(super) struct History {
    /// The time of the last sample.
    pub(super) at: Duration,
    pub(super) programs: BTreeMap<String, SeenProgram>,
    pub(super) losses: BTreeMap<LossName, Loss>,
    /// As of the last sample with agents.
    pub(super) agents: SampledAgents,
}

/// A program that replied at least once.
#[derive(Debug)]
pub(super) struct SeenProgram {
    /// The sample before the last one, if it is of the same start of the program.
    pub(super) before: Option<(Duration, StatusDocument)>,
    pub(super) last: (Duration, StatusDocument),
    /// Since when it does not reply.
    pub(super) gone_since: Option<Duration>,
}

/// A counter of events that did not get to their place.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct LossName {
    pub(super) program: String,
    pub(super) counter: String,
    pub(super) cause: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Loss {
    pub(super) total: u64,
    /// When it rose last, as far as it was seen.
    pub(super) rose_at: Option<Duration>,
}

/// The counters that count losses.
const LOSSES: [&str; 9] = [
    "events_dropped",
    "events_missed",
    "events_refused",
    "lost_records",
    "gaps",
    "resyncs",
    "rows_refused",
    "requests_dropped",
    "frames_dropped",
];

impl History {
    /// Adds a sample.
    pub(super) fn note(&mut self, sample: Sample) {
        let Sample { at, programs, agents } = sample;
        self.at = at;
        for (name, program) in &mut self.programs {
            if !programs.iter().any(|document| document.program == *name) {
                program.gone_since.get_or_insert(at);
            }
        }
        for document in programs {
            self.note_losses(&document, at);
            self.note_program(document, at);
        }
        self.agents = agents.unwrap_or_default();
    }

    fn note_program(&mut self, document: StatusDocument, at: Duration) {
        let known = self.programs.remove(&document.program);
        let before = known.map(|known| known.last).filter(|(_, earlier)| is_same_start(earlier, &document));
        let name = document.program.clone();
        self.programs.insert(name, SeenProgram { before, last: (at, document), gone_since: None });
    }

    fn note_losses(&mut self, document: &StatusDocument, at: Duration) {
        let is_first = !self.programs.contains_key(&document.program);
        for (name, total) in losses(document) {
            let known = self.losses.get(&name).copied();
            let earlier = known.map_or(0, |known| known.total);
            let rose_at = match total.cmp(&earlier) {
                // What a program lost before it was seen rose at an unknown time.
                std::cmp::Ordering::Greater if !is_first => Some(at),
                // It has started again.
                std::cmp::Ordering::Less if total > 0 => Some(at),
                _ => known.and_then(|known| known.rose_at),
            };
            self.losses.insert(name, Loss { total, rose_at });
        }
    }
}

impl SeenProgram {
    /// The rise of a counter without causes per second, between the last two samples.
    pub(super) fn per_second(&self, part: &str, counter: &str) -> Option<f64> {
        let (before_at, before) = self.before.as_ref().filter(|_| self.gone_since.is_none())?;
        let (at, now) = &self.last;
        let count = |document: &StatusDocument| {
            let status: &Status = document.parts.get(part)?;
            let is_counted =
                |reading: &&pubsub_api::CounterReading| reading.name == counter && reading.cause.is_none();
            status.counters.iter().find(is_counted).map(|reading| reading.value)
        };
        let more = count(now)?.saturating_sub(count(before)?);
        let seconds = at.saturating_sub(*before_at).as_secs_f64();
        (seconds > 0.0).then(|| rounded(more) / seconds)
    }
}

/// A number of events is below 2⁵³, or nobody reads its last digits.
#[expect(clippy::cast_precision_loss, reason = "the rate is shown with three digits")]
fn rounded(count: u64) -> f64 {
    count as f64
}

fn is_same_start(one: &StatusDocument, other: &StatusDocument) -> bool {
    one.pid == other.pid && one.uptime_seconds <= other.uptime_seconds
}

/// The losses of a program by counter and cause, over all of its parts.
fn losses(document: &StatusDocument) -> BTreeMap<LossName, u64> {
    let mut totals = BTreeMap::new();
    let counters = document.parts.values().flat_map(|status| &status.counters);
    for reading in counters.filter(|reading| LOSSES.contains(&reading.name.as_str())) {
        let name = LossName {
            program: document.program.clone(),
            counter: reading.name.clone(),
            cause: reading.cause.clone().unwrap_or_default(),
        };
        let total: &mut u64 = totals.entry(name).or_default();
        *total = total.saturating_add(reading.value);
    }
    totals
}

#[cfg(test)]
pub(super) mod tests {
    use std::collections::BTreeMap;
    use std::time::Duration;

    use pubsub_api::{CounterReading, Status};
    use service_kit::StatusDocument;

    use super::{History, LossName, Sample};

    /// A service that has accepted, delivered and lost this number of events.
    pub(in crate::top) fn service(pid: u32, uptime_seconds: u64, events: u64, lost: u64) -> StatusDocument {
        let counter = |name: &str, cause: Option<&str>, value| CounterReading {
            name: name.to_owned(),
            cause: cause.map(str::to_owned),
            value,
        };
        let of = |counters| Status { counters, ..Status::default() };
        let network = vec![
            counter("events_sent", None, events * 10),
            counter("bytes_written", None, events * 1000),
            counter("events_dropped", Some("slow_subscriber"), lost),
        ];
        StatusDocument {
            status_version: 1,
            program: "publisher-service".to_owned(),
            version: "0.1.0".to_owned(),
            pid,
            uptime_seconds,
            endpoints: BTreeMap::new(),
            last_reload: None,
            parts: BTreeMap::from([
                ("ipc".to_owned(), of(vec![counter("events_received", None, events)])),
                ("delivery".to_owned(), of(vec![counter("events_published", None, events)])),
                ("network".to_owned(), of(network)),
            ]),
        }
    }

    pub(in crate::top) fn sample(seconds: u64, programs: Vec<StatusDocument>) -> Sample {
        Sample { at: Duration::from_secs(seconds), programs, agents: None }
    }

    fn rate(history: &History) -> Option<f64> {
        history.programs["publisher-service"].per_second("ipc", "events_received")
    }

    #[test]
    fn a_rate_needs_two_samples_of_one_start() {
        let mut history = History::default();
        history.note(sample(0, vec![service(1, 100, 50, 0)]));
        assert_eq!(rate(&history), None);
        history.note(sample(2, vec![service(1, 102, 70, 0)]));
        assert_eq!(rate(&history), Some(10.0));
        history.note(sample(4, vec![service(2, 0, 7, 0)]));
        assert_eq!(rate(&history), None, "it has started again");
        assert_eq!(history.programs["publisher-service"].per_second("ipc", "no_such_counter"), None);
    }

    #[test]
    fn a_program_that_goes_away_is_kept_until_it_comes_back() {
        let mut history = History::default();
        history.note(sample(0, vec![service(1, 100, 50, 0)]));
        history.note(sample(1, vec![]));
        history.note(sample(2, vec![]));
        let gone = &history.programs["publisher-service"];
        assert_eq!((gone.gone_since, rate(&history)), (Some(Duration::from_secs(1)), None));
        history.note(sample(3, vec![service(2, 0, 0, 0)]));
        assert_eq!(history.programs["publisher-service"].gone_since, None);
    }

    #[test]
    fn losses_have_the_time_of_their_last_rise_if_it_was_seen() {
        let name = LossName {
            program: "publisher-service".to_owned(),
            counter: "events_dropped".to_owned(),
            cause: "slow_subscriber".to_owned(),
        };
        let mut history = History::default();
        let mut loss = |sample| {
            history.note(sample);
            (history.losses[&name].total, history.losses[&name].rose_at.map(|at| at.as_secs()))
        };
        assert_eq!(loss(sample(0, vec![service(1, 100, 0, 5)])), (5, None), "before it was seen");
        assert_eq!(loss(sample(1, vec![service(1, 101, 0, 6)])), (6, Some(1)));
        assert_eq!(loss(sample(2, vec![service(1, 102, 0, 6)])), (6, Some(1)));
        assert_eq!(loss(sample(3, vec![service(2, 0, 0, 0)])), (0, Some(1)), "a new start has lost nothing");
        assert_eq!(loss(sample(4, vec![service(2, 1, 0, 2)])), (2, Some(4)));
    }
}
