mod convergent;
mod loss_reports;
mod position;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde_json::Value;

pub use self::convergent::{assert_convergent, plain};
use self::loss_reports::{LossReport, LossReports};
use self::position::Position;
use crate::{is_event, notice};

/// Checks the output of a subscriber against the guarantees (docs/guarantees.md#promises): the JSON lines of
/// `subscriber-agent --stamps`, or of `skimmer sub --show-gaps --stamps`, in order.
///
/// - *ordered*: the events of one publisher and topic ascend by epoch and sequence number.
/// - *unique*: no event arrives twice.
/// - *complete or loud*: the sequence numbers are consecutive, also from one epoch to the next. Before a hole, a `gap`,
///   `resync` or `recovering` notice or the rows of a snapshot report missing events of that topic.
///
/// Rows of a snapshot are not events of the stream: they keep their old stamps, and the stream continues after them. Events
/// without stamp are counted and not checked. After `duplicate_publisher`, each epoch of that id is a separate stream.
///
/// For *convergent*, see [`assert_convergent`].
#[derive(Debug, Default)]
pub struct History {
    streams: BTreeMap<StreamName, Stream>,
    loss_reports: LossReports,
    /// Ids that two publishers claim.
    disputed: BTreeSet<String>,
    epochs: BTreeSet<u64>,
    violations: Vec<Violation>,
    holes: Vec<Hole>,
    stamped: usize,
    unstamped: usize,
    /// The number of lines.
    line: usize,
}

/// Publisher and topic; also the epoch if two publishers claim one id.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct StreamName {
    publisher: String,
    topic: String,
    epoch: Option<u64>,
}

/// The position of a subscriber on one topic of one publisher.
#[derive(Debug, Clone, Copy, Default)]
struct Stream {
    at: Position,
    /// The line of its last event.
    line: usize,
    /// The line of its last row of a snapshot.
    snapshot: usize,
}

/// Missing sequence numbers that were reported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hole {
    /// The topic.
    pub topic: String,
    /// The position before it: epoch and sequence number, 0 and 0 if there is none.
    pub after: (u64, u64),
    /// The position after it.
    pub before: (u64, u64),
    /// The strongest report of it: `resync`, `gap`, `snapshot`, or only `recovering`, for example before a snapshot without
    /// differences.
    pub reported: &'static str,
}

/// A violated guarantee.
#[derive(Debug)]
struct Violation {
    guarantee: &'static str,
    line: usize,
    text: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: line {}: {}", self.guarantee, self.line, self.text)
    }
}

impl History {
    /// The history of a subscriber that started with an empty table.
    #[must_use]
    pub fn of(lines: &[Value]) -> Self {
        Self::default().then(lines)
    }

    /// The same, followed by the output after a restart: with its saved table the subscriber continues where it was.
    #[must_use]
    pub fn then(mut self, lines: &[Value]) -> Self {
        for line in lines {
            self.line += 1;
            if is_event(line) {
                self.event(line);
            } else if let Some(name) = notice(line) {
                self.notice(name, line);
            }
        }
        self
    }

    /// Asserts *ordered*, *unique* and *complete or loud*, and returns itself.
    ///
    /// # Panics
    /// If one is violated, with its name and the line.
    #[must_use]
    #[track_caller]
    pub fn assert_sound(self) -> Self {
        const SHOWN: usize = 10;
        let shown: Vec<String> = self.violations.iter().take(SHOWN).map(ToString::to_string).collect();
        let count = self.violations.len();
        assert!(count == 0, "{count} violations, the first of them:\n{}", shown.join("\n"));
        self
    }

    /// Also asserts that no event is missing, reported or not, and returns itself.
    ///
    /// # Panics
    /// If something is.
    #[must_use]
    #[track_caller]
    pub fn assert_without_holes(self) -> Self {
        let this = self.assert_sound();
        assert_eq!(this.holes, [], "complete: no event may be missing here, not even a reported one");
        this
    }

    /// The names of the violated guarantees, each once.
    #[must_use]
    pub fn broken(&self) -> Vec<&'static str> {
        let names: BTreeSet<&'static str> = self.violations.iter().map(|broken| broken.guarantee).collect();
        names.into_iter().collect()
    }

    /// The reported missing events.
    #[must_use]
    pub fn holes(&self) -> &[Hole] {
        &self.holes
    }

    /// The epochs of the events of all publishers, ascending.
    #[must_use]
    pub fn epochs(&self) -> Vec<u64> {
        self.epochs.iter().copied().collect()
    }

    /// The number of events with a stamp, including rows of snapshots.
    #[must_use]
    pub fn stamped(&self) -> usize {
        self.stamped
    }

    /// The number of events without a stamp.
    #[must_use]
    pub fn unstamped(&self) -> usize {
        self.unstamped
    }

    fn event(&mut self, event: &Value) {
        let Some(at) = Position::of(&event["stamp"]) else {
            self.unstamped += 1;
            return;
        };
        self.stamped += 1;
        self.epochs.insert(at.epoch);
        let topic = event["topic"].as_str().unwrap_or_default();
        let line = self.line;
        let stream = self.stream(event["stamp"]["publisher"].as_str().unwrap_or_default(), topic, at.epoch);
        if event["origin"] == "snapshot" {
            stream.snapshot = line;
            stream.at = stream.at.max(at);
            return;
        }
        let before = *stream;
        *stream = Stream { at: before.at.max(at), line, ..before };
        self.check(before, at, event);
    }

    /// Whether an event is valid at this line, after the earlier events of its stream.
    fn check(&mut self, before: Stream, at: Position, event: &Value) {
        let topic = event["topic"].as_str().unwrap_or_default();
        let last = before.at;
        let (guarantee, text) = match self.loss_reports.since(topic, before.line, before.snapshot) {
            _ if at == last => ("unique", format!("{at} again")),
            _ if at < last => ("ordered", format!("{at} after {last}")),
            _ if last.number.checked_add(1) == Some(at.number) => return,
            Some(reported) => {
                let (topic, reported) = (topic.to_owned(), reported.name());
                self.holes.push(Hole { topic, after: last.pair(), before: at.pair(), reported });
                return;
            }
            None => ("complete or loud", format!("{at} after {last}, and no notice between them")),
        };
        let text = format!("topic {topic}: {text}: {event}");
        self.violations.push(Violation { guarantee, line: self.line, text });
    }

    /// The stream of that name; a new one if there is none.
    fn stream(&mut self, publisher: &str, topic: &str, epoch: u64) -> &mut Stream {
        let name = |epoch| StreamName { publisher: publisher.to_owned(), topic: topic.to_owned(), epoch };
        if !self.disputed.contains(publisher) {
            return self.streams.entry(name(None)).or_default();
        }
        // One of the two goes on from before the dispute.
        let before = self.streams.get(&name(None)).filter(|before| before.at.epoch == epoch);
        let before = before.copied().unwrap_or_default();
        self.streams.entry(name(Some(epoch))).or_insert(before)
    }

    fn notice(&mut self, name: &str, line: &Value) {
        if name == "duplicate_publisher" {
            self.disputed.extend(line["id"].as_str().map(str::to_owned));
        } else if let Some(reported) = LossReport::of(name) {
            self.loss_reports.note(reported, line["topic"].as_str(), self.line);
        }
    }
}
