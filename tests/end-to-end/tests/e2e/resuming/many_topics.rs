//! Many topics: after a restart of the service, each is live again or reported.

use std::collections::BTreeSet;

use end_to_end::{Folder, Program, event, fixed_port, notice};
use serde_json::Value;

use super::launch;

const TOPICS: usize = 10_000;

/// An event on each topic.
fn round(value: &str) -> Vec<Value> {
    (0..TOPICS).map(|n| event("t", &n.to_string(), "set", value, &format!("tenant-{n}"))).collect()
}

/// The topics of lines that are `wanted`.
fn topics(agent: &Program, wanted: impl Fn(&Value) -> bool) -> BTreeSet<String> {
    let lines = agent.lines();
    let wanted = lines.iter().filter(|line| wanted(line));
    wanted.filter_map(|line| line["topic"].as_str().map(str::to_owned)).collect()
}

fn is_whole(line: &Value) -> bool {
    notice(line) == Some("live") && line["topic"].is_null()
}

#[test]
fn every_topic_of_ten_thousand_is_live_again_or_reported_after_the_service_has_restarted() {
    let (folder, port) = (Folder::new(), fixed_port());
    let mut service = folder.service_at(port);
    let mut agent = launch(&folder, &service).start();
    agent.wait_for("live", is_whole);
    folder.publish(&round("before"));
    agent.wait_for_events(TOPICS);
    agent.terminate();
    service.terminate();
    let service = folder.service_at(port);
    folder.publish(&round("after"));

    let agent = launch(&folder, &service).start();
    agent.wait_for("live as a whole", is_whole);
    let came = topics(&agent, |line| line["value"] == "after");
    let reported = topics(&agent, |line| notice(line) == Some("resync"));
    assert_eq!(came.union(&reported).count(), TOPICS, "{} came, {} are reported", came.len(), reported.len());
    assert_eq!(came.len(), TOPICS, "the ring has all of it");
}
