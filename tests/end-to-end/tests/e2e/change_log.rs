//! The main job: a recorded day of a cloud, from several workers through one service to several agents.

use std::collections::BTreeMap;
use std::thread;

use end_to_end::{Folder, change_log, event, fold, is_event, jsonl, key_of, shards};
use serde_json::Value;

const WORKERS: usize = 4;
const AGENTS: usize = 3;

/// Each row's events, in their order.
fn by_row(events: &[Value]) -> BTreeMap<(String, String), Vec<Value>> {
    let mut rows: BTreeMap<_, Vec<Value>> = BTreeMap::new();
    for event in events {
        rows.entry(key_of(event)).or_default().push(event.clone());
    }
    rows
}

#[test]
fn the_change_log_reaches_every_agent_complete_and_in_order_per_row() {
    let folder = Folder::new();
    let service = folder.service();
    let agents: Vec<_> =
        (0..AGENTS).map(|agent| folder.subscribed_agent(&format!("agent-{agent}"), &service)).collect();
    let log = change_log();
    assert_eq!(log.len(), 6095);

    thread::scope(|scope| {
        for (worker, shard) in shards(&log, WORKERS).into_iter().enumerate() {
            let launch = folder.worker_launch(&format!("worker-{worker}"));
            scope.spawn(move || {
                let ended = launch.run_with(&jsonl(&shard)).expect(0);
                assert_eq!(ended.last_words(), format!("published {} events", shard.len()));
            });
        }
    });

    let (rows, table) = (by_row(&log), fold(&log));
    for agent in &agents {
        let events = agent.wait_for_events(log.len());
        assert_eq!(events.len(), log.len(), "complete, and nothing twice");
        assert_eq!(by_row(&events), rows, "ordered");
        assert_eq!(fold(&events), table, "convergent");
    }
}

#[test]
fn fifty_thousand_events_of_a_short_lived_worker_arrive_every_time() {
    const EVENTS: usize = 50_000;
    let rounds = if std::env::var_os("LONG").is_some() { 20 } else { 3 };
    let folder = Folder::new();
    let service = folder.service();
    let value = "v".repeat(200);

    for round in 0..rounds {
        // Each on a topic of its own: a subscriber that is new to a topic is brought up to date first.
        let topic = format!("round-{round}");
        let events: Vec<Value> =
            (0..EVENTS).map(|n| event("lport", &n.to_string(), "set", value.as_str(), &topic)).collect();
        let input = folder.write("events.jsonl", &jsonl(&events));
        let agent = folder.agent_launch("agent", service.address()).args(["--topic", &topic]).start();
        agent.wait_for_notice(0, "subscribed");
        let published = folder.skimmer(&["pub"]).args(["--jsonl".into(), input]);
        let ended = published.run().expect(0);
        assert_eq!(ended.last_words(), "published 50000 events");
        agent.wait_for_count(0, EVENTS, &format!("every event of round {round}"), is_event);
        let numbers = agent.events().into_iter().map(|event| key_of(&event).1.parse::<usize>());
        let numbers: Vec<usize> = numbers.map(|number| number.expect("a number")).collect();
        assert!(numbers.into_iter().eq(0..EVENTS), "in order, in round {round}");
    }
}
