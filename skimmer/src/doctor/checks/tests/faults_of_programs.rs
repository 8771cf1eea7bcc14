use pubsub_api::{CounterReading, QueueReading, RefusalReading, Status};
use service_kit::StatusDocument;

use super::Fault;
use crate::doctor::facts::{Descriptors, Facts, ProgramState};
use crate::doctor::verdict::Outcome::{Fail, Warn};
use delivery::AgentState;

pub(super) const FAULTS: &[Fault] = &[
    ("program-runs", Fail, "publisher-service does not run", |facts| {
        facts.programs[0].state = ProgramState::Absent
    }),
    ("program-ready", Fail, "ring: it is closed", |facts| {
        facts.programs[0].unmet = Some(Ok(vec!["ring: it is closed".to_owned()]));
    }),
    ("program-ready", Fail, "no reply", |facts| facts.programs[0].unmet = Some(Err("no reply".to_owned()))),
    ("program-version", Warn, "version 0.0.9", |facts| document(facts, 0).version = "0.0.9".to_owned()),
    ("program-descriptors", Fail, "950 of 1000", |facts| {
        facts.programs[0].descriptors = Some(Descriptors { limit: 1000, open: Some(950) });
    }),
    ("program-descriptors", Warn, "may open 1024 files", |facts| {
        facts.programs[0].descriptors = Some(Descriptors { limit: 1024, open: None });
    }),
    ("program-queues", Warn, "recv_queue has 95 of 100", |facts| {
        delivery(facts, 0).queues.push(QueueReading::new("recv_queue", "events", (95, 100), ""));
    }),
    ("program-losses", Warn, "3 events_dropped (slow_subscriber)", |facts| {
        count(facts, 0, "events_dropped", Some("slow_subscriber"), 3);
    }),
    ("program-refusals", Warn, "10.0.0.9", |facts| {
        delivery(facts, 0).refusals.push(RefusalReading {
            cause: "wrong_mechanism".to_owned(),
            who: "10.0.0.9".to_owned(),
            reason: "it wants NULL".to_owned(),
            times: 2,
            seconds_ago: 5,
        });
    }),
    ("agent-live", Fail, "stale", |facts| delivery(facts, 1).peers[0].state = "stale".to_owned()),
    ("agent-live", Fail, "follows no publisher", |facts| delivery(facts, 1).peers.clear()),
    ("settings-reload", Fail, "refused: a typing error", |facts| {
        document(facts, 1).last_reload = Some("refused: a typing error".to_owned());
    }),
    ("settings-port", Fail, "port 9000", |facts| facts.settings.port = 9000),
    ("ring-written", Fail, "in memory", |facts| delivery(facts, 0).counters[0].value = 0),
    ("ring-written", Fail, "4 writes failed", |facts| count(facts, 0, "ring_write_failures", None, 4)),
    ("ring-of-others", Warn, "1 rings", |facts| count(facts, 0, "rings_of_other_publishers", None, 1)),
    ("agents-silent", Warn, "no report for 40 s", |facts| {
        let agent = &mut facts.agents.as_mut().unwrap().agents[0];
        (agent.state, agent.report_age_seconds) = (AgentState::Silent, 40);
    }),
    ("agents-behind", Fail, "50 events behind for 11 s", |facts| {
        let agent = &mut facts.agents.as_mut().unwrap().agents[0];
        (agent.lag_events, agent.lag_seconds) = (50, 11);
    }),
    ("agents-behind", Fail, "3 events behind for 12 s", |facts| {
        let agent = &mut facts.agents.as_mut().unwrap().agents[0];
        (agent.lag_events, agent.report_age_seconds) = (3, 12);
    }),
    ("agents-errors", Warn, "exit status: 3", |facts| {
        let agent = &mut facts.agents.as_mut().unwrap().agents[0];
        (agent.last_error, agent.last_error_age_seconds) = (Some("exit status: 3".to_owned()), Some(9));
    }),
    ("agents-versions", Warn, "version 0.0.9", |facts| {
        facts.agents.as_mut().unwrap().agents[0].version = "0.0.9".to_owned();
    }),
    ("agents-unknown", Warn, "2 subscribers of 10.0.0.8", |facts| {
        facts.agents.as_mut().unwrap().unknown = Some([("10.0.0.8".to_owned(), 2)].into());
    }),
];

fn document(facts: &mut Facts, place: usize) -> &mut StatusDocument {
    match &mut facts.programs[place].state {
        ProgramState::Runs(document) => document,
        other => panic!("{other:?}"),
    }
}

fn delivery(facts: &mut Facts, place: usize) -> &mut Status {
    document(facts, place).parts.get_mut("delivery").unwrap()
}

fn count(facts: &mut Facts, place: usize, name: &str, cause: Option<&str>, value: u64) {
    let counter = CounterReading { name: name.to_owned(), cause: cause.map(str::to_owned), value };
    delivery(facts, place).counters.push(counter);
}
