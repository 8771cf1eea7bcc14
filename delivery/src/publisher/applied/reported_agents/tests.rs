use std::time::Duration;

use pubsub_api::{PeerId, SEND_ALL, Stamp, Topic};

use super::{KEPT, MAX_AGENTS, Origin, ReportedAgents};
use crate::publisher::applied::AgentState;
use crate::publisher::sync::snapshot_cache::LatestEvent;
use crate::{AppliedReport, HandlerError, Position, SyncItem};

const HERE: Origin<'_> = Origin { peer: PeerId(1), address: "10.0.0.7:4000" };

fn second(number: u64) -> Duration {
    Duration::from_secs(number)
}

fn at(sequence: u64) -> Position {
    Position { epoch: 1, sequence }
}

fn report(agent: &str, instance: u64, applied: u64) -> AppliedReport {
    AppliedReport {
        agent: agent.to_owned(),
        instance,
        version: "1.2.3".to_owned(),
        state: "live".to_owned(),
        error: None,
        positions: vec![SyncItem { topic: SEND_ALL, position: at(applied) }],
    }
}

/// The last event of `D` has this number; there is no other topic.
fn last(number: u64) -> impl Fn(&Topic) -> Option<Position> {
    move |topic| (*topic == SEND_ALL).then(|| at(number))
}

fn names(agents: &ReportedAgents, now: Duration) -> Vec<(String, AgentState)> {
    agents.read(last(0), now).into_iter().map(|agent| (agent.name, agent.state)).collect()
}

#[test]
fn an_agent_is_listed_with_its_lag_and_its_last_error() {
    let mut agents = ReportedAgents::default();
    let error = Some(HandlerError { text: "exit status 1".to_owned(), seconds_ago: 4 });
    assert!(agents.take(AppliedReport { error, ..report("a", 7, 5) }, HERE, last(9), second(100)));
    let [reading] = &agents.read(last(12), second(103))[..] else { panic!("one agent") };
    assert_eq!((reading.name.as_str(), reading.address.as_str()), ("a", "10.0.0.7:4000"));
    assert_eq!((reading.lag_events, reading.lag_seconds, reading.topics), (7, 3, 1));
    assert_eq!(
        (reading.last_error.as_deref(), reading.last_error_age_seconds),
        (Some("exit status 1"), Some(7))
    );
    assert_eq!((reading.state, reading.report_age_seconds), (AgentState::Reporting, 3));
}

#[test]
fn the_lag_as_reported_is_that_behind_the_last_event_that_any_report_found() {
    let mut agents = ReportedAgents::default();
    agents.take(report("stopped", 1, 5), HERE, last(5), second(0));
    agents.take(report("other", 1, 9), HERE, last(12), second(7));
    let lags: Vec<_> = agents.read_as_reported(second(8)).into_iter().map(|agent| agent.lag_events).collect();
    assert_eq!(lags, [3, 7], "by name: the other one, and the one that was stopped before events 6 to 12");
}

#[test]
fn topics_that_the_publisher_does_not_know_are_not_kept() {
    let mut agents = ReportedAgents::default();
    let topic = Topic::new("forged").unwrap();
    let positions = vec![SyncItem { topic, position: at(9) }];
    agents.take(AppliedReport { positions, ..report("a", 7, 5) }, HERE, last(9), second(0));
    assert_eq!((agents.topics, agents.read(last(9), second(0))[0].topics), (0, 0));
}

#[test]
fn a_silent_agent_stays_listed_for_an_hour_and_is_replaced_by_its_next_start() {
    let mut agents = ReportedAgents::default();
    for name in ["a", "b"] {
        agents.take(report(name, 1, 5), HERE, last(9), second(0));
    }
    agents.take(report("a", 2, 5), HERE, last(9), second(20));
    assert_eq!(agents.len(), 3, "two running agents of one name are both listed");
    agents.take(report("a", 2, 6), HERE, last(9), second(40));
    let (silent, reporting) = (AgentState::Silent, AgentState::Reporting);
    assert_eq!(names(&agents, second(40)), [("a".to_owned(), reporting), ("b".to_owned(), silent)]);
    agents.take(report("a", 2, 6), HERE, last(9), second(100));
    agents.sweep(|_| true, KEPT);
    assert_eq!(agents.len(), 2);
    agents.sweep(|_| true, KEPT + second(61));
    assert_eq!((names(&agents, KEPT + second(61)), agents.topics), (vec![("a".to_owned(), silent)], 1));
    agents.sweep(|_| false, KEPT + second(130));
    assert_eq!(agents.topics, 0, "the topic was retired, and then the agent forgotten");
}

#[test]
fn more_agents_than_the_bound_replace_silent_ones_only() {
    let mut agents = ReportedAgents::default();
    for instance in 0..MAX_AGENTS as u64 {
        let now = second(u64::from(instance > 0) * 31);
        assert!(agents.take(report(&instance.to_string(), instance, 5), HERE, last(9), now));
    }
    assert!(agents.take(report("one more", 0, 5), HERE, last(9), second(31)), "agent 0 is silent");
    assert!(!agents.take(report("too many", 0, 5), HERE, last(9), second(31)));
    assert_eq!((agents.len(), agents.topics), (MAX_AGENTS, MAX_AGENTS));
}

#[test]
fn a_row_names_the_agents_that_have_not_applied_it_and_none_that_does_not_report_its_topic() {
    let mut agents = ReportedAgents::default();
    for (name, applied) in [("ahead", 9), ("behind", 6), ("exact", 7)] {
        agents.take(report(name, 1, applied), HERE, last(9), second(0));
    }
    agents.take(
        AppliedReport { positions: Vec::new(), ..report("elsewhere", 1, 0) },
        HERE,
        last(9),
        second(0),
    );
    let stamp = Stamp { publisher: 3, epoch: 1, sequence: 7, time_us: 5 };
    let event = LatestEvent { topic: SEND_ALL, stamp, action: "set".to_owned() };
    let row = agents.row(event, last(9), second(2));
    assert_eq!((row.sequence, row.time_us, row.action.as_str()), (7, 5, "set"));
    assert_eq!(row.applied, ["ahead", "exact"]);
    let [behind] = &row.not_applied[..] else { panic!("one agent") };
    assert_eq!((behind.name.as_str(), behind.lag_events, behind.lag_seconds), ("behind", 3, 2));
}
