//! Services whose clocks are an hour apart: an agent that came back has what one that was there has.

use std::collections::BTreeMap;

use end_to_end::{Folder, Launch, Program, Service, event, fixed_port, jsonl, until};
use serde_json::Value;

/// Runs a program with a wall clock that is wrong by this number of seconds (libfaketime; `$LIB` is the loader's, ld.so(8)).
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

/// The rows that an agent had to delete.
fn deletes(agent: &Program) -> Vec<Value> {
    agent.events().into_iter().filter(|event| event["action"] == "delete").collect()
}

#[test]
fn a_publisher_that_lost_its_ring_and_whose_clock_went_back_deletes_nothing_at_an_agent_that_was_away() {
    // The agent hears of the new life at once, and is away again; or it is away all the time.
    for hears_at_once in [true, false] {
        let (folder, port) = (Folder::new(), fixed_port());
        let service = |name: &str, clock: &str| {
            let service = folder.launch("publisher-service", name).set("publisher_port", port);
            Service::ready(with_clock(service.set("publisher_id", "publisher"), clock).start())
        };
        let agent = || {
            let agent = folder.agent_launch("agent", &format!("127.0.0.1:{port}"));
            let agent = agent.set("agent.save_interval", "100ms").start();
            let is_whole = |line: &Value| line["notice"] == "live" && line["topic"].is_null();
            agent.wait_for("live, of all topics", is_whole);
            agent
        };
        let mut before = service("before", "+0");
        let mut away = agent();
        folder.publish(&rows("of the first life"));
        wait_for_rows(&away, "of the first life");
        away.terminate();
        before.kill();

        // With another `state_dir`, it has nothing of its former life.
        let after = service("after", "-3600");
        if hears_at_once {
            let mut heard = agent();
            assert!(heard.notices().iter().any(|name| name == "resync"), "{:?}", heard.notices());
            folder.publish(&[event("t", "heard", "set", "v", "D")]);
            heard.wait_for_events(1);
            assert_eq!(deletes(&heard), [Value::Null; 0]);
            heard.terminate();
        }
        // Enough that a snapshot is cheaper than a replay.
        let changes: Vec<Value> =
            (0..200).map(|n| event("t", &format!("new-{}", n % 5), "set", n.to_string(), "D")).collect();
        folder.publish(&changes);
        let back = agent();
        if hears_at_once {
            let came = back.wait_for_events(5);
            assert!(came.iter().any(|event| event["origin"] == "snapshot"), "{came:?}");
        }
        folder.publish(&[event("t", "last", "set", "v", "D")]);
        back.wait_for("the last event", |line| line["key"] == "last");
        assert_eq!(deletes(&back), [Value::Null; 0], "nobody deleted anything");
        drop(after);
    }
}
