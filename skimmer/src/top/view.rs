use std::cmp::Reverse;
use std::time::Duration;

use delivery::AgentReading;
use service_kit::{StatusDocument, printable};

use super::history::{History, SeenProgram};
use super::numbers::{ago, bytes, short, short_count};
use super::sort_key::SortKey;

/// What is shown: rows of text, the worst first. It follows from the samples alone.
#[derive(Debug, Default)]
pub(super) struct View {
    pub(super) programs: Vec<ProgramRow>,
    pub(super) queues: Vec<QueueRow>,
    pub(super) agents: Vec<AgentRow>,
    /// What is not known about subscribers.
    pub(super) unknown: String,
    pub(super) losses: Vec<LossRow>,
}

/// How urgent a row is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Urgency {
    Calm,
    Watch,
    Alarm,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) struct ProgramRow {
    /// Name, state, uptime, accepted, published and delivered per second, bytes per second.
    pub(super) cells: [String; 7],
    pub(super) urgency: Urgency,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) struct QueueRow {
    pub(super) name: String,
    pub(super) fill: String,
    pub(super) percent: u64,
    pub(super) urgency: Urgency,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) struct AgentRow {
    /// Name, state, lag, behind for, time of the report, last error.
    pub(super) cells: [String; 6],
    pub(super) urgency: Urgency,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) struct LossRow {
    /// Program, counter, cause, total, last rise.
    pub(super) cells: [String; 5],
    pub(super) urgency: Urgency,
}

/// Queues that are full for most of their life.
const FULL_BY_DESIGN: [&str; 3] = ["ring", "snapshots", "workers"];

/// A loss is an alarm for this long.
const RECENT: Duration = Duration::from_secs(60);

/// An agent is slow from here on: longer than two reports.
const SLOW_SECONDS: u64 = 3;

impl View {
    pub(super) fn of(history: &History, sort: SortKey) -> Self {
        let mut agents: Vec<&AgentReading> = history.agents.agents.iter().collect();
        agents.sort_by(|one, other| sort.compare(one, other));
        Self {
            programs: history.programs.values().map(|program| ProgramRow::of(program, history.at)).collect(),
            queues: queues(history),
            agents: agents.into_iter().map(AgentRow::of).collect(),
            unknown: unknown(history),
            losses: losses(history),
        }
    }
}

impl ProgramRow {
    fn of(program: &SeenProgram, now: Duration) -> Self {
        let (_, document) = &program.last;
        let is_service = document.program == "publisher-service";
        let rate = |part: &str, counter: &str| program.per_second(part, counter);
        let [accepted, published, delivered, written] = match is_service {
            true => [
                rate("ipc", "events_received"),
                rate("delivery", "events_published"),
                rate("network", "events_sent"),
                rate("network", "bytes_written"),
            ],
            false => [rate("network", "events_received"), None, rate("agent", "events_applied"), None],
        };
        let shown = |rate: Option<f64>| rate.map_or("-".to_owned(), short);
        let (state, urgency) = match program.gone_since {
            Some(since) => (format!("gone {}", ago(now.saturating_sub(since))), Urgency::Alarm),
            None => ("runs".to_owned(), Urgency::Calm),
        };
        let uptime = ago(Duration::from_secs(document.uptime_seconds));
        let written = written.map_or("-".to_owned(), |rate| bytes(whole(rate)));
        Self {
            cells: [
                printable(&document.program),
                state,
                uptime,
                shown(accepted),
                shown(published),
                shown(delivered),
                written,
            ],
            urgency,
        }
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rate is not negative")]
fn whole(rate: f64) -> u64 {
    rate as u64
}

impl AgentRow {
    fn of(agent: &AgentReading) -> Self {
        let state = if agent.is_reporting() { agent.stream.as_str() } else { "silent" };
        let error = agent.last_error.as_deref().map_or(String::new(), |error| {
            let age = agent.last_error_age_seconds.unwrap_or(0);
            format!("{} ({} ago)", printable(error), ago(Duration::from_secs(age)))
        });
        let urgency = match (agent.is_reporting() && agent.stream == "live", agent.behind_seconds()) {
            (false, _) => Urgency::Alarm,
            (true, SLOW_SECONDS..) => Urgency::Watch,
            (true, _) => Urgency::Calm,
        };
        let cells = [
            printable(&agent.name),
            printable(state),
            short_count(agent.lag_events),
            ago(Duration::from_secs(agent.behind_seconds())),
            ago(Duration::from_secs(agent.report_age_seconds)),
            error,
        ];
        Self { cells, urgency }
    }
}

/// The queues, the fullest first; those that are full by design last.
fn queues(history: &History) -> Vec<QueueRow> {
    let running = history.programs.values().filter(|program| program.gone_since.is_none());
    let mut rows: Vec<(bool, QueueRow)> = Vec::new();
    for SeenProgram { last: (_, document), .. } in running {
        for (part, status) in &document.parts {
            for queue in status.queues.iter().filter(|queue| queue.bound > 0) {
                let by_design = FULL_BY_DESIGN.contains(&queue.name.as_str());
                let percent = queue.depth.saturating_mul(100) / queue.bound;
                let urgency = match percent {
                    _ if by_design => Urgency::Calm,
                    90.. => Urgency::Alarm,
                    50.. => Urgency::Watch,
                    _ => Urgency::Calm,
                };
                let size = |count| if queue.unit == "bytes" { bytes(count) } else { short_count(count) };
                let unit = if queue.unit == "bytes" { "" } else { queue.unit.as_str() };
                let fill = format!("{} of {} {unit}", size(queue.depth), size(queue.bound));
                let name = format!("{} {part} {}", side(document), queue.name);
                let row =
                    QueueRow { name: printable(&name), fill: fill.trim_end().to_owned(), percent, urgency };
                rows.push((by_design, row));
            }
        }
    }
    rows.sort_by(|(by_design, one), (also, other)| {
        (by_design, Reverse(one.percent), &one.name).cmp(&(also, Reverse(other.percent), &other.name))
    });
    rows.into_iter().map(|(_, row)| row).collect()
}

/// The program in one word.
fn side(document: &StatusDocument) -> &str {
    match document.program.as_str() {
        "publisher-service" => "service",
        "subscriber-agent" => "agent",
        "data-services-node" => "node",
        other => other,
    }
}

fn unknown(history: &History) -> String {
    match &history.agents.unknown {
        None => String::new(),
        Some(hosts) if hosts.is_empty() => String::new(),
        Some(hosts) => {
            let subscribers: u64 = hosts.values().sum();
            format!("{subscribers} subscribers of {} hosts do not report", hosts.len())
        }
    }
}

/// The losses that occurred, the latest first.
fn losses(history: &History) -> Vec<LossRow> {
    let mut lost: Vec<_> = history.losses.iter().filter(|(_, loss)| loss.total > 0).collect();
    lost.sort_by_key(|(name, loss)| (Reverse(loss.rose_at), *name));
    let rows = lost.into_iter().map(|(name, loss)| {
        let age = loss.rose_at.map(|rose_at| history.at.saturating_sub(rose_at));
        let when = age.map_or("earlier".to_owned(), |age| format!("{} ago", ago(age)));
        let urgency = match age {
            Some(age) if age < RECENT => Urgency::Alarm,
            Some(_) => Urgency::Watch,
            None => Urgency::Calm,
        };
        let cells = [
            printable(&name.program),
            printable(&name.counter),
            printable(&name.cause),
            short_count(loss.total),
            when,
        ];
        LossRow { cells, urgency }
    });
    rows.collect()
}

#[cfg(test)]
pub(super) mod tests;
