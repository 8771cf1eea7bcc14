//! Services whose clocks are an hour apart: an agent that came back has what one that was there has.

use std::collections::BTreeMap;

use end_to_end::{Folder, Launch, Program, Service, event, jsonl, until};
use serde_json::Value;

/// Runs a program with a wall clock that is wrong by so many seconds (libfaketime; `$LIB` is the loader's, ld.so(8)).
fn with_clock(launch: Launch, seconds: &str) -> Launch {
    let launch = launch.env("LD_PRELOAD", "/usr/$LIB/faketime/libfaketime.so.1").env("FAKETIME", seconds);
    launch.env("DONT_FAKE_MONOTONIC", "1").env("FAKETIME_DONT_FAKE_MONOTONIC", "1")
}

fn rows(value: &str) -> Vec<Value> {
    (0..10).map(|n| event("t", &n.to_string(), "set", value, "D")).collect()
}

/// The rows that an agent's events amount to.
#[expect(clippy::indexing_slicing, reason = "a JSON value without the field gives null")]
fn table(agent: &Program) -> BTreeMap<String, Value> {
    let mut rows = BTreeMap::new();
    for event in agent.events() {
        let key = event["key"].as_str().unwrap_or_default().to_owned();
        match event["action"].as_str() {
            Some("delete") => drop(rows.remove(&key)),
            _ => drop(rows.insert(key, event["value"].clone())),
        }
    }
    rows
}

/// Waits until every row of an agent has this value.
fn wait_for_rows(agent: &Program, value: &str) {
    until(&format!("ten rows of value {value}"), || {
        let table = table(agent);
        (table.len() == 10 && table.values().all(|has| has == value)).then_some(())
    });
}

#[test]
fn an_agent_that_was_away_has_the_rows_of_one_that_was_there_whatever_the_clocks_show() {
    for (clock_of_first, clock_of_second) in [("+3600", "-3600"), ("-3600", "+3600")] {
        let folder = Folder::new();
        let second_socket = folder.path().join("second.sock");
        let service = |name: &str, clock: &str| {
            with_clock(folder.launch("publisher-service", name).set("publisher_id", name), clock)
        };
        let first = Service::ready(service("first", clock_of_first).start());
        let second =
            service("second", clock_of_second).set("publisher_multiproc_socket", second_socket.display());
        let second = Service::ready(second.start());
        let publish_at_second = |events: &[Value]| {
            let worker =
                folder.worker_launch("worker").set("publisher_multiproc_socket", second_socket.display());
            let _ = worker.run_with(&jsonl(events)).expect(0);
        };
        let addresses = format!("{},{}", first.address(), second.address());
        let agent = |name: &str| {
            let agent = folder.agent_launch(name, &addresses).set("agent.save_interval", "100ms").start();
            agent.wait_for_count(0, 2, "both publishers", |line| {
                line["notice"] == "live" && line["topic"].is_null()
            });
            agent
        };
        let there = agent("there");
        let mut away = agent("away");
        folder.publish(&rows("first"));
        wait_for_rows(&there, "first");
        wait_for_rows(&away, "first");
        away.terminate();
        publish_at_second(&rows("second"));
        wait_for_rows(&there, "second");

        wait_for_rows(&agent("away"), "second");
        wait_for_rows(&agent("newcomer"), "second");
        assert!(table(&there).values().all(|value| value == "second"));
    }
}
