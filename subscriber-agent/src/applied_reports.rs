use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};

use delivery::subscriber::{AppliedStream, DeliveryMode};
use delivery::{AppliedReport, HandlerError, Position, SyncItem};
use pubsub_api::{Error, ErrorKind, Event, Result, Topic};
use subscriber_agent_settings::AgentSettings;

use crate::Change;

/// Decides when an agent reports to which publisher how far it has applied its events. Time comes in as input.
///
/// A report has the topics that changed since the last one. A publisher receives one at least every 10 s, and all topics again every
/// 30 s, because a report may be dropped on its way.
#[derive(Debug)]
pub(crate) struct AppliedReports {
    agent: String,
    instance: u64,
    /// Zero: nothing is reported.
    interval: Duration,
    due: Instant,
    publishers: BTreeMap<u64, Reported>,
    error: Option<(String, Instant)>,
}

/// What one publisher was told.
#[derive(Debug)]
struct Reported {
    at: Instant,
    renewed: Instant,
    state: &'static str,
    error_at: Option<Instant>,
    positions: HashMap<Topic, (Position, Instant)>,
}

/// A shorter interval counts as this.
const SHORTEST_INTERVAL: Duration = Duration::from_secs(1);

/// The longest time between two reports to a publisher: it takes an agent for silent after three times this.
const KEEPALIVE: Duration = Duration::from_secs(10);

/// How often everything is reported again.
const RENEWAL: Duration = Duration::from_secs(30);

/// The most reports to a publisher at a time; it takes 20 a second of a connection. What is left follows at the next interval.
const REPORTS_AT_ONCE: usize = 8;

/// The number of topics for which the interval is extended by itself: an agent with many topics spends no more time on reports.
const TOPICS_PER_INTERVAL: usize = 2000;

impl AppliedReports {
    /// # Errors
    /// [`ErrorKind::Settings`] if the agent's name is too long.
    pub(crate) fn new(settings: &AgentSettings, now: Instant) -> Result<Self> {
        const MAX: usize = AppliedReport::MAX_NAME_BYTES;
        if settings.name.len() > MAX {
            let text = format!("agent.name has {} bytes, and at most {MAX} are allowed", settings.name.len());
            return Err(Error::new(ErrorKind::Settings, text));
        }
        let host = || rustix::system::uname().nodename().to_string_lossy().into_owned();
        let interval = settings.applied_interval;
        Ok(Self {
            agent: if settings.name.is_empty() { host() } else { settings.name.clone() },
            instance: fastrand::u64(..),
            interval: if interval.is_zero() { interval } else { interval.max(SHORTEST_INTERVAL) },
            due: now,
            publishers: BTreeMap::new(),
            error: None,
        })
    }

    /// When the next reports are due; `None` if nothing is ever reported.
    pub(crate) fn due(&self) -> Option<Instant> {
        (!self.interval.is_zero()).then_some(self.due)
    }

    pub(crate) fn is_due(&self, now: Instant) -> bool {
        self.due().is_some_and(|due| due <= now)
    }

    /// A handler failed.
    pub(crate) fn note_error(&mut self, text: &str, now: Instant) {
        self.error = Some((text.to_owned(), now));
    }

    /// The reports that are due, each with the endpoint of its publisher. `unfinished` are the changes that handlers are not done with.
    pub(crate) fn next(
        &mut self,
        streams: Vec<AppliedStream>,
        unfinished: &[Change],
        now: Instant,
    ) -> Vec<(String, AppliedReport)> {
        let topics: usize = streams.iter().map(|stream| stream.positions.len()).sum();
        let times = u32::try_from(1 + topics / TOPICS_PER_INTERVAL).unwrap_or(u32::MAX);
        self.due = now + self.interval.saturating_mul(times);
        self.publishers.retain(|publisher, _| streams.iter().any(|stream| stream.publisher == *publisher));
        let mut reports = Vec::new();
        for mut stream in streams {
            hold_back(&mut stream, unfinished);
            let endpoint = stream.endpoint.clone();
            reports.extend(self.of_stream(stream, now).into_iter().map(|report| (endpoint.clone(), report)));
        }
        reports
    }

    fn of_stream(&mut self, stream: AppliedStream, now: Instant) -> Vec<AppliedReport> {
        let error_at = self.error.as_ref().map(|(_, at)| *at);
        let known = self.publishers.get(&stream.publisher);
        let is_news = known.is_none_or(|known| {
            known.state != stream.state || known.error_at != error_at || now - known.at >= KEEPALIVE
        });
        let reported = self.publishers.entry(stream.publisher).or_insert_with(|| Reported::new(now));
        let changed = reported.changed(stream.positions, now);
        if changed.is_empty() && !is_news {
            return Vec::new();
        }
        (reported.at, reported.state, reported.error_at) = (now, stream.state, error_at);
        let mut pages = changed.chunks(AppliedReport::MAX_POSITIONS).map(<[_]>::to_vec).collect::<Vec<_>>();
        if pages.is_empty() {
            pages.push(Vec::new());
        }
        pages.into_iter().map(|positions| self.report(stream.state, positions, now)).collect()
    }

    fn report(&self, state: &str, positions: Vec<SyncItem>, now: Instant) -> AppliedReport {
        let error = self.error.as_ref().map(|(text, at)| HandlerError {
            text: text.clone(),
            seconds_ago: now.saturating_duration_since(*at).as_secs(),
        });
        AppliedReport {
            agent: self.agent.clone(),
            instance: self.instance,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            state: state.to_owned(),
            error,
            positions,
        }
    }
}

impl Reported {
    fn new(now: Instant) -> Self {
        Self { at: now, renewed: now, state: "", error_at: None, positions: HashMap::new() }
    }

    /// Takes the positions that are to be reported now: those that changed, first the topics that were reported longest ago.
    fn changed(&mut self, positions: Vec<SyncItem>, now: Instant) -> Vec<SyncItem> {
        if now - self.renewed >= RENEWAL {
            self.renewed = now;
            self.positions.clear();
        }
        let reported = |item: &SyncItem| self.positions.get(&item.topic).copied();
        let is_new = |item: &SyncItem| reported(item).is_none_or(|(position, _)| position != item.position);
        let mut changed: Vec<SyncItem> = positions.into_iter().filter(is_new).collect();
        changed.sort_by_key(|item| reported(item).map(|(_, at)| at));
        changed.truncate(REPORTS_AT_ONCE * AppliedReport::MAX_POSITIONS);
        for SyncItem { topic, position } in &changed {
            self.positions.insert(topic.clone(), (*position, now));
        }
        changed
    }
}

/// An event that a handler is not done with is not applied, nor are the events after it.
fn hold_back(stream: &mut AppliedStream, unfinished: &[Change]) {
    let mut first: HashMap<&Topic, Position> = HashMap::new();
    for Change { event, mode } in unfinished {
        // A row that is sent to a handler again was applied before.
        if *mode == DeliveryMode::Sync {
            continue;
        }
        let Event { topic, stamp, .. } = &**event;
        if let Some(stamp) = stamp.filter(|stamp| stamp.publisher == stream.publisher) {
            let at = Position { epoch: stamp.epoch, sequence: stamp.sequence };
            let least = first.entry(topic).or_insert(at);
            *least = at.min(*least);
        }
    }
    for SyncItem { topic, position } in &mut stream.positions {
        if let Some(first) = first.get(topic) {
            let before = Position { sequence: first.sequence.saturating_sub(1), ..*first };
            *position = before.min(*position);
        }
    }
}

#[cfg(test)]
mod tests;
