use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use pubsub_api::{PeerId, Topic};

use super::reported_agent::ReportedAgent;
use super::{AgentReading, RowReading};
use crate::publisher::sync::snapshot_cache::LatestEvent;
use crate::{AppliedReport, Position};

/// The agents that report how far they have applied the publisher's events. Time and the last events of topics come in as input.
///
/// Bounded: [`MAX_AGENTS`] agents and [`MAX_REPORTED_TOPICS`] topics of all agents together, about 64 MiB.
#[derive(Debug, Default)]
pub(in crate::publisher) struct ReportedAgents {
    /// By name and instance.
    agents: BTreeMap<(String, u64), ReportedAgent>,
    topics: usize,
    swept: Duration,
}

/// As many connections as a publisher of the zmtp driver has by default.
const MAX_AGENTS: usize = 16_384;

const MAX_REPORTED_TOPICS: usize = 500_000;

/// How long a silent agent is listed.
const KEPT: Duration = Duration::from_secs(3600);

/// The interval at which silent agents and retired topics are looked for.
const SWEEP: Duration = Duration::from_secs(60);

/// Where a report came from.
#[derive(Debug, Clone, Copy)]
pub(in crate::publisher) struct Origin<'a> {
    pub(in crate::publisher) peer: PeerId,
    pub(in crate::publisher) address: &'a str,
}

impl ReportedAgents {
    /// Notes a report. `last` returns the last event of a topic; `None` if the publisher does not know the topic, or the agent has no
    /// right to it. Returns `false` if there is no room for one more agent.
    pub(in crate::publisher) fn take(
        &mut self,
        report: AppliedReport,
        from: Origin<'_>,
        last: impl Fn(&Topic) -> Option<Position>,
        now: Duration,
    ) -> bool {
        let id = (report.agent.clone(), report.instance);
        self.forget_earlier(&id, now);
        let is_full = self.agents.len() >= MAX_AGENTS && !self.agents.contains_key(&id);
        if is_full && !self.forget_most_silent(now) {
            return false;
        }
        let room = MAX_REPORTED_TOPICS - self.topics.min(MAX_REPORTED_TOPICS);
        let agent = self.agents.entry(id).or_insert_with(|| ReportedAgent::new(from.peer, now));
        agent.peer = from.peer;
        self.topics += agent.report(report, from.address, last, room, now);
        true
    }

    /// Forgets earlier starts of an agent: those of its name that are silent. Two running agents of one name are both listed.
    fn forget_earlier(&mut self, (name, instance): &(String, u64), now: Duration) {
        let of_name = (name.clone(), 0)..=(name.clone(), u64::MAX);
        let is_over = |other: u64, agent: &ReportedAgent| other != *instance && agent.is_silent(now);
        let over = self.agents.range(of_name).filter(|((_, other), agent)| is_over(*other, agent));
        let over: Vec<_> = over.map(|(id, _)| id.clone()).collect();
        over.iter().for_each(|id| self.forget(id));
    }

    fn forget_most_silent(&mut self, now: Duration) -> bool {
        let silent = self.agents.iter().filter(|(_, agent)| agent.is_silent(now));
        let Some(id) = silent.min_by_key(|(_, agent)| agent.reported).map(|(id, _)| id.clone()) else {
            return false;
        };
        self.forget(&id);
        true
    }

    fn forget(&mut self, id: &(String, u64)) {
        if let Some(agent) = self.agents.remove(id) {
            self.topics -= agent.topics();
        }
    }

    /// Forgets agents that have been silent for an hour, and topics that are not known any more; at most once a minute.
    pub(in crate::publisher) fn sweep(&mut self, is_known: impl Fn(&Topic) -> bool, now: Duration) {
        if now.saturating_sub(self.swept) < SWEEP {
            return;
        }
        self.swept = now;
        self.agents.retain(|_, agent| now.saturating_sub(agent.reported) <= KEPT);
        self.agents.values_mut().for_each(|agent| agent.retain(&is_known));
        self.topics = self.agents.values().map(ReportedAgent::topics).sum();
    }

    pub(in crate::publisher) fn len(&self) -> usize {
        self.agents.len()
    }

    pub(in crate::publisher) const fn bound() -> usize {
        MAX_AGENTS
    }

    /// All agents, by name.
    pub(in crate::publisher) fn read(
        &self,
        last: impl Fn(&Topic) -> Option<Position>,
        now: Duration,
    ) -> Vec<AgentReading> {
        let readings = self.agents.iter();
        readings.map(|((name, instance), agent)| agent.read((name, *instance), &last, now)).collect()
    }

    /// As [`read`](Self::read), with the last event of each topic that any report found: agents that keep up report each second.
    pub(in crate::publisher) fn read_as_reported(&self, now: Duration) -> Vec<AgentReading> {
        let mut last: HashMap<&Topic, Position> = HashMap::new();
        for (topic, published) in self.agents.values().flat_map(ReportedAgent::published) {
            let newest = last.entry(topic).or_insert(published);
            *newest = published.max(*newest);
        }
        self.read(|topic| last.get(topic).copied(), now)
    }

    /// Which agents have applied an event.
    pub(in crate::publisher) fn row(
        &self,
        event: LatestEvent,
        last: impl Fn(&Topic) -> Option<Position>,
        now: Duration,
    ) -> RowReading {
        let LatestEvent { topic, stamp, action } = event;
        let at = Position { epoch: stamp.epoch, sequence: stamp.sequence };
        let (mut applied, mut not_applied) = (Vec::new(), Vec::new());
        for ((name, instance), agent) in &self.agents {
            match agent.applied(&topic) {
                Some(position) if position >= at => applied.push(name.clone()),
                Some(_) => not_applied.push(agent.read((name, *instance), &last, now)),
                None => {}
            }
        }
        let (epoch, sequence, time_us) = (stamp.epoch, stamp.sequence, stamp.time_us);
        RowReading {
            topic: topic.as_str().to_owned(),
            epoch,
            sequence,
            time_us,
            action,
            applied,
            not_applied,
        }
    }
}

#[cfg(test)]
mod tests;
