//! The bound of an agent's table: what does not fit is refused and reported, and requested when there is room.
#![expect(clippy::indexing_slicing, reason = "a test ends where an expectation fails")]

use end_to_end::{Folder, Launch, Program, Service, Signal, event, is_event, notice, until};
use serde_json::Value;

/// Two of these are more than half of the smallest bound.
const LARGE: usize = 900_000;

fn large(key: &str) -> Value {
    event("t", key, "set", "x".repeat(LARGE), "D")
}

fn delete(key: &str) -> Value {
    event("t", key, "delete", Value::Null, "D")
}

fn launch(folder: &Folder, service: &Service) -> Launch {
    folder.agent_launch("agent", service.address()).set("agent.save_interval", "100ms")
}

/// An agent whose table of 2 MiB refuses the last of three rows.
fn full_agent(folder: &Folder, service: &Service) -> Program {
    let agent = launch(folder, service).set("agent.table_bytes", "2MiB").start();
    agent.wait_for_notice(0, "live");
    let mark = agent.mark();
    folder.publish(&["one", "two", "three"].map(large));
    let full = agent.wait_for_since(mark, "the table is full", |line| notice(line) == Some("table_full"));
    assert_eq!(full["bound"], 2 << 20, "{full}");
    agent.wait_for_since(mark, "stale", |line| notice(line) == Some("stale"));
    assert_eq!(keys(&agent), ["one", "two"], "the third is not passed on");
    let status = folder.status("agent");
    assert_eq!(end_to_end::counter(&status, "agent", "rows_refused"), 1, "{status}");
    assert_eq!(status["parts"]["delivery"]["peers"][0]["state"], "suspended", "{status}");
    let queues = status["parts"]["agent"]["queues"].as_array().cloned().unwrap_or_default();
    assert!(queues.iter().any(|queue| queue["name"] == "table" && queue["bound"] == 2 << 20), "{status}");
    agent
}

fn keys(agent: &Program) -> Vec<String> {
    agent.events().iter().map(|event| event["key"].as_str().unwrap_or_default().to_owned()).collect()
}

fn wait_for_room(agent: &Program, mark: usize) {
    agent.wait_for_since(mark, "room", |line| notice(line) == Some("table_has_room"));
    agent.wait_for_since(mark, "the refused row", |line| is_event(line) && line["key"] == "three");
    agent.wait_for_since(mark, "live", |line| notice(line) == Some("live") && line["topic"].is_null());
}

#[test]
fn a_row_that_does_not_fit_is_reported_and_comes_when_others_are_deleted() {
    let folder = Folder::new();
    let service = folder.service();
    let agent = full_agent(&folder, &service);
    let mark = agent.mark();
    folder.publish(&[delete("one")]);
    agent.wait_for_since(mark, "the delete", |line| line["key"] == "one");
    wait_for_room(&agent, mark);
    folder.publish(&[event("t", "four", "set", "v", "D")]);
    agent.wait_for_since(mark, "a later event", |line| line["key"] == "four");
}

#[test]
fn a_row_that_does_not_fit_comes_when_a_reload_raises_the_bound() {
    let folder = Folder::new();
    let service = folder.service();
    let settings = |bytes: &str| {
        let text = format!(
            "[pubsub]\npublishers_ips = [{:?}]\nstate_dir = {:?}\n[agent]\ntable_bytes = {bytes:?}\n",
            service.address(),
            folder.state_dir("agent.state"),
        );
        folder.write("agent.toml", &text)
    };
    let config = settings("2MiB");
    let agent =
        Launch::new("subscriber-agent", "agent", folder.path()).args(["--config".into(), config]).start();
    agent.wait_for_notice(0, "live");
    folder.publish(&["one", "two", "three"].map(large));
    agent.wait_for_notice(0, "table_full");
    let mark = agent.mark();
    settings("8MiB");
    agent.signal(Signal::HUP);
    wait_for_room(&agent, mark);
}

#[test]
fn a_row_that_was_refused_before_a_restart_comes_after_it() {
    let folder = Folder::new();
    let service = folder.service();
    let mut agent = full_agent(&folder, &service);
    let file = folder.state_dir("agent.state").join("agent-table");
    until("the table is saved", || {
        let kept = std::fs::read(&file).unwrap_or_default();
        (kept.len() > 2 * LARGE).then_some(())
    });
    agent.kill();
    let agent = launch(&folder, &service).start();
    agent.wait_for("the refused row", |line| is_event(line) && line["key"] == "three");
    agent.wait_for_notice(0, "live");
}
