use delivery::{AgentReading, AgentState};
use pubsub_api::QueueReading;

use super::{Urgency, View};
use crate::top::history::History;
use crate::top::history::tests::{sample, service};
use crate::top::sample::{Sample, SampledAgents};
use crate::top::sort_key::SortKey;

pub(in crate::top) fn agent(name: &str, lag_events: u64, lag_seconds: u64) -> AgentReading {
    AgentReading {
        name: name.to_owned(),
        instance: String::new(),
        address: "10.0.0.7:1".to_owned(),
        version: "0.1.0".to_owned(),
        state: AgentState::Reporting,
        stream: "live".to_owned(),
        report_age_seconds: 1,
        lag_events,
        lag_seconds,
        topics: 1,
        topics_left_out: 0,
        last_error: None,
        last_error_age_seconds: None,
    }
}

fn with_agents(agents: Vec<AgentReading>) -> History {
    let mut history = History::default();
    let unknown = Some([("10.0.0.9".to_owned(), 2)].into());
    history.note(Sample { agents: Some(SampledAgents { agents, unknown }), ..sample(0, Vec::new()) });
    history
}

fn names(view: &View) -> Vec<&str> {
    view.agents.iter().map(|row| row.cells[0].as_str()).collect()
}

#[test]
fn rates_are_of_the_last_interval_and_a_program_that_is_gone_says_for_how_long() {
    let mut history = History::default();
    history.note(sample(0, vec![service(1, 100, 0, 0)]));
    let first = View::of(&history, SortKey::default());
    assert_eq!(first.programs[0].cells[3..], ["-", "-", "-", "-"]);
    history.note(sample(2, vec![service(1, 102, 2400, 0)]));
    let busy = View::of(&history, SortKey::default());
    assert_eq!(busy.programs[0].cells[1..], ["runs", "1m42s", "1200", "1200", "12.0k", "1.1MiB"]);
    history.note(sample(4, Vec::new()));
    history.note(sample(9, Vec::new()));
    let gone = View::of(&history, SortKey::default());
    assert_eq!((gone.programs[0].cells[1].as_str(), gone.programs[0].urgency), ("gone 5s", Urgency::Alarm));
    assert_eq!(gone.programs[0].cells[3], "-");
}

#[test]
fn the_slowest_agents_come_first_and_silent_ones_before_them() {
    let mut silent = agent("silent", 0, 0);
    silent.state = AgentState::Silent;
    let history = with_agents(vec![agent("b", 9, 1), agent("a", 1, 5), silent, agent("c", 0, 0)]);
    let by = |sort| View::of(&history, sort);
    assert_eq!(names(&by(SortKey::Behind)), ["silent", "a", "b", "c"]);
    assert_eq!(names(&by(SortKey::Lag)), ["silent", "b", "a", "c"]);
    assert_eq!(names(&by(SortKey::Name)), ["a", "b", "c", "silent"]);
    let urgencies: Vec<Urgency> = by(SortKey::Behind).agents.iter().map(|row| row.urgency).collect();
    assert_eq!(urgencies, [Urgency::Alarm, Urgency::Watch, Urgency::Calm, Urgency::Calm]);
    assert_eq!(by(SortKey::Behind).unknown, "2 subscribers of 1 hosts do not report");
}

#[test]
fn the_fullest_queue_comes_first_and_what_is_full_by_design_last() {
    let mut document = service(1, 1, 0, 0);
    let queues = &mut document.parts.get_mut("network").unwrap().queues;
    queues.push(QueueReading::new("ring", "bytes", (100, 100), ""));
    queues.push(QueueReading::new("requests", "events", (5, 100), ""));
    queues.push(QueueReading::new("answers", "bytes", (95, 100), ""));
    let mut history = History::default();
    history.note(sample(0, vec![document]));
    let rows = View::of(&history, SortKey::default()).queues;
    let shown: Vec<_> = rows.iter().map(|row| (row.name.as_str(), row.fill.as_str(), row.urgency)).collect();
    assert_eq!(
        shown,
        [
            ("service network answers", "95B of 100B", Urgency::Alarm),
            ("service network requests", "5 of 100 events", Urgency::Calm),
            ("service network ring", "100B of 100B", Urgency::Calm),
        ]
    );
}

#[test]
fn the_latest_loss_comes_first_with_its_cause_and_when_it_rose() {
    let mut history = History::default();
    history.note(sample(0, vec![service(1, 100, 0, 7)]));
    let rows = View::of(&history, SortKey::default()).losses;
    assert_eq!(rows[0].cells[1..], ["events_dropped", "slow_subscriber", "7", "earlier"]);
    history.note(sample(10, vec![service(1, 110, 0, 8)]));
    history.note(sample(15, vec![service(1, 115, 0, 8)]));
    let rows = View::of(&history, SortKey::default()).losses;
    assert_eq!((&rows[0].cells[4], rows[0].urgency), (&"5s ago".to_owned(), Urgency::Alarm));
}

#[test]
fn what_peers_send_cannot_control_the_terminal() {
    let mut evil = agent("\u{1b}[2Jcompute", 0, 0);
    evil.last_error = Some("line\nfeed".to_owned());
    let view = View::of(&with_agents(vec![evil]), SortKey::default());
    assert_eq!(view.agents[0].cells[0], r"\u001b[2Jcompute");
    assert!(view.agents[0].cells[5].starts_with(r"line\u000afeed"), "{:?}", view.agents[0]);
}
