//! More is published than the line carries: the agent reports how late events are, and nothing is missing in the end.

use std::time::Duration;

use end_to_end::{Folder, NarrowLine, Program, assert_convergent, event, fold, notice, within};
use serde_json::Value;

use super::agents::{agent, is_long};

/// What any test line carries, when it is not to be narrow.
const WIDE: u64 = 1_000_000_000;

const PATIENCE: Duration = Duration::from_secs(120);

/// Changes of 200 rows in turn, of a KiB each.
fn changes(count: usize) -> Vec<Value> {
    let value = |number: usize| format!("{number} {}", "v".repeat(1000));
    (0..count).map(|number| event("t", &(number % 200).to_string(), "set", value(number), "D")).collect()
}

/// The notices about the publisher as a whole since a mark.
fn of_publisher(agent: &Program, mark: usize) -> Vec<Value> {
    let lines = agent.lines().split_off(mark);
    lines.into_iter().filter(|line| notice(line).is_some() && line["topic"].is_null()).collect()
}

#[test]
fn events_delayed_by_a_slow_line_make_the_agent_stale_until_the_line_is_fast_enough() {
    // A backlog of 12 s, of which the short form waits for a part; the long form is 1 Mbit/s for a minute.
    let (count, rate) = if is_long() { (7500, 125_000) } else { (1200, 100_000) };
    let folder = Folder::with_settings("[agent]\nmax_delay = \"2s\"");
    let service = folder.service();
    let line = NarrowLine::before(service.address(), WIDE);
    let agent = agent(&folder, "agent", &line);
    agent.wait_for_notice(0, "live");
    let mark = agent.mark();
    line.set_rate(rate);
    let mut published = changes(count);
    folder.publish(&published);
    let stale = agent.wait_for_notice(mark, "stale");
    let reason = stale["reason"].as_str().unwrap_or_default();
    assert!(reason.contains("late, which is more than max_delay (2s)"), "{stale}");
    assert!(agent.events().len() < count, "it is stale while events are on their way");

    line.set_rate(WIDE);
    let is_live = |line: &Value| notice(line) == Some("live");
    within(PATIENCE, "live", || of_publisher(&agent, mark).iter().any(is_live).then_some(()));
    let last = event("t", "last", "set", "v", "D");
    folder.publish(std::slice::from_ref(&last));
    published.push(last);
    agent.wait_for("the last event", |line| line["key"] == "last");
    assert_convergent(&agent.lines(), &fold(&published));
    assert_eq!(agent.events().len(), published.len(), "no event is missing, and none came twice");
    let reported: Vec<Value> = of_publisher(&agent, mark).iter().map(|line| line["notice"].clone()).collect();
    assert_eq!(reported, ["stale", "live"], "the link stood all the time");
}

#[test]
fn events_that_wait_in_a_slow_line_do_not_break_it() {
    let folder = Folder::with_settings("dead_after = \"2s\"\n[agent]\nmax_delay = \"60s\"");
    let service = folder.service();
    let line = NarrowLine::before(service.address(), WIDE);
    let agent = agent(&folder, "agent", &line);
    agent.wait_for_notice(0, "live");
    let mark = agent.mark();
    line.set_rate(40_000);
    let published = changes(400);
    folder.publish(&published);
    within(PATIENCE, "every event", || (agent.events().len() == published.len()).then_some(()));
    assert_convergent(&agent.lines(), &fold(&published));
    assert_eq!(of_publisher(&agent, mark), [Value::Null; 0], "the link stood all the time");
}
