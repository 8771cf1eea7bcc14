//! F40 of docs/guarantees.md: a service is killed, and all its subscribers come back at once.

use std::time::Duration;

use end_to_end::{Program, counter, counters, event, fixed_port, within};
use serde_json::Value;

use super::agents::{is_long, patient};

const TOPICS: usize = 20;
const ROWS: usize = 10;

/// Five times what the scenario aims at.
const PATIENCE: Duration = Duration::from_secs(75);

const MIB: u64 = 1024 * 1024;

/// Some rows on each topic.
fn rows(round: &str) -> Vec<Value> {
    let topic = |row: usize| format!("tenant-{}", row % TOPICS);
    (0..TOPICS * ROWS).map(|row| event("t", &row.to_string(), "set", round, &topic(row))).collect()
}

fn wait_for_live(swarm: &Program, mark: usize, live: usize) {
    within(PATIENCE, &format!("{live} are live"), || {
        let lines = swarm.lines();
        lines[mark..].iter().rfind(|line| line.get("live").is_some()).filter(|line| line["live"] == live)?;
        Some(())
    });
}

/// No agent requested again and again. Some may have had to connect later (`max_handshakes`).
fn assert_calm(status: &Value, agents: usize) {
    let answers = counters(status, "delivery", "sync_answers");
    let of =
        |cause: &str| answers.iter().filter(|answer| answer.0 == cause).map(|answer| answer.1).sum::<u64>();
    // A request is about all topics of its subscriber that are due, an answer about one.
    let most = (agents * TOPICS) as u64;
    assert!(of("replay") + of("snapshot") <= 2 * most, "{status}");
    assert_eq!(of("unknown"), 0, "{status}");
    let asked = counter(status, "delivery", "sync_requests");
    assert!(asked <= 4 * agents as u64, "{asked} requests: {status}");
}

#[test]
fn after_a_crash_of_their_service_all_subscribers_come_back_without_a_storm() {
    let agents = if is_long() { 1000 } else { 300 };
    let folder = patient("");
    let port = fixed_port();
    let mut service = folder.service_at(port);
    folder.publish(&rows("before"));
    let swarm = folder.skimmer(&["swarm", "--agents", &agents.to_string()]);
    let mut swarm = swarm.set("publishers_ips", service.address()).start();
    wait_for_live(&swarm, 0, agents);

    // The first time they miss something while they are away. The second proves that they have it: they come back live.
    for is_first in [true, false] {
        let mark = swarm.mark();
        service.kill();
        wait_for_live(&swarm, mark, 0);
        let mark = swarm.mark();
        service = folder.service_at(port);
        let memory = service.memory_bytes();
        if is_first {
            folder.publish(&rows("after"));
        }
        wait_for_live(&swarm, mark, agents);
        let grown = service.memory_bytes().saturating_sub(memory);
        assert!(grown <= 64 * MIB, "bounded: the service has grown by {grown} bytes");
        assert_calm(&folder.status("service"), agents);
    }
    swarm.terminate();
    let summary = swarm.wait_for("the summary", |line| line.get("swarm").is_some())["swarm"].clone();
    for (name, wanted) in
        [("agents", agents), ("live", agents), ("gaps", 0), ("resyncs", 0), ("different_tables", 1)]
    {
        assert_eq!(summary[name], wanted, "{name}: {summary}");
    }
}
