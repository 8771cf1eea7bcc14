use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::time::Duration;

use foldhash::fast::RandomState;
use pubsub_api::{PeerId, Topic};

use super::applied_topic::AppliedTopic;
use super::{AgentReading, AgentState};
use crate::{AppliedReport, HandlerError, Position, SyncItem};

/// An agent, as its reports describe it.
#[derive(Debug)]
pub(super) struct ReportedAgent {
    pub(super) peer: PeerId,
    address: String,
    version: String,
    stream: String,
    error: Option<HandlerError>,
    pub(super) reported: Duration,
    topics: HashMap<Topic, AppliedTopic, RandomState>,
    left_out: u64,
}

/// An agent reports at least every 10 s.
const SILENT_AFTER: Duration = Duration::from_secs(30);

impl ReportedAgent {
    pub(super) fn new(peer: PeerId, now: Duration) -> Self {
        Self {
            peer,
            address: String::new(),
            version: String::new(),
            stream: String::new(),
            error: None,
            reported: now,
            topics: HashMap::default(),
            left_out: 0,
        }
    }

    /// Notes a report, with the last event of each of its topics; `None` for a topic that the publisher does not know, or that the
    /// agent has no right to. At most `room` topics are added. Returns the number of those.
    pub(super) fn report(
        &mut self,
        report: AppliedReport,
        address: &str,
        last: impl Fn(&Topic) -> Option<Position>,
        room: usize,
        now: Duration,
    ) -> usize {
        let AppliedReport { version, state, error, positions, .. } = report;
        self.address.replace_range(.., address);
        (self.version, self.stream, self.error, self.reported) = (version, state, error, now);
        let before = self.topics.len();
        let mut left_out = 0;
        for SyncItem { topic, position } in positions {
            let Some(last) = last(&topic) else { continue };
            let is_full = self.topics.len() - before >= room;
            match self.topics.entry(topic) {
                Entry::Occupied(known) => known.into_mut().report(position, last, now),
                Entry::Vacant(_) if is_full => left_out += 1,
                Entry::Vacant(place) => drop(place.insert(AppliedTopic::new(position, last, now))),
            }
        }
        self.left_out = left_out;
        self.topics.len() - before
    }

    pub(super) fn topics(&self) -> usize {
        self.topics.len()
    }

    pub(super) fn applied(&self, topic: &Topic) -> Option<Position> {
        self.topics.get(topic).map(|topic| topic.applied)
    }

    /// The last event of each of its topics, as its reports found them.
    pub(super) fn published(&self) -> impl Iterator<Item = (&Topic, Position)> {
        self.topics.iter().map(|(topic, applied)| (topic, applied.published))
    }

    /// Forgets the topics that the publisher does not know any more.
    pub(super) fn retain(&mut self, is_known: impl Fn(&Topic) -> bool) {
        self.topics.retain(|topic, _| is_known(topic));
    }

    pub(super) fn is_silent(&self, now: Duration) -> bool {
        now.saturating_sub(self.reported) > SILENT_AFTER
    }

    pub(super) fn read(
        &self,
        (name, instance): (&str, u64),
        last: impl Fn(&Topic) -> Option<Position>,
        now: Duration,
    ) -> AgentReading {
        let age = now.saturating_sub(self.reported).as_secs();
        let lags = self.topics.iter().map(|(topic, applied)| match last(topic) {
            Some(last) => (applied.lag_events(last), applied.lag(now)),
            None => (0, Duration::ZERO),
        });
        let (lag_events, lag) =
            lags.fold((0, Duration::ZERO), |(sum, most), (events, lag)| (sum + events, most.max(lag)));
        AgentReading {
            name: name.to_owned(),
            instance: format!("{instance:016x}"),
            address: self.address.clone(),
            version: self.version.clone(),
            state: if self.is_silent(now) { AgentState::Silent } else { AgentState::Reporting },
            stream: self.stream.clone(),
            report_age_seconds: age,
            lag_events,
            lag_seconds: lag.as_secs(),
            topics: self.topics.len(),
            topics_left_out: self.left_out,
            last_error: self.error.as_ref().map(|error| error.text.clone()),
            last_error_age_seconds: self.error.as_ref().map(|error| error.seconds_ago.saturating_add(age)),
        }
    }
}
