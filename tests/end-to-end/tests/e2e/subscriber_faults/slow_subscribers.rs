//! F30, F32 of docs/guarantees.md: a stopped agent, and handlers that do not keep up.

use std::fs;
use std::thread;
use std::time::Duration;

use end_to_end::{Folder, Program, Signal, assert_convergent, counter, event, fold, notice, until};
use serde_json::Value;

use super::agents::{assert_complete, assert_converges, is_long, launch, live_agent, notices_since, patient};
use super::load::{Load, turns};

const RATE: usize = 2000;

#[test]
fn a_paused_agent_does_not_affect_the_others_and_gets_notices_of_missed_events() {
    let stop = Duration::from_secs(if is_long() { 60 } else { 12 });
    let folder = Folder::with_settings("dead_after = \"6s\"");
    let service = folder.service();
    let stopped = live_agent(&folder, "stopped", service.address());
    let others = ["one", "two"].map(|name| live_agent(&folder, name, service.address()));
    let marks = others.each_ref().map(Program::mark);
    let load = Load::start(&folder, RATE, turns(500));
    stopped.wait_for("an event", end_to_end::is_event);
    stopped.signal(Signal::STOP);
    #[expect(clippy::disallowed_methods, reason = "how long the subscriber is stopped")]
    thread::sleep(stop);
    let mark = stopped.mark();
    stopped.signal(Signal::CONT);
    let reported = |line: &Value| matches!(notice(line), Some("link_down" | "stale" | "recovering" | "gap"));
    stopped.wait_for_since(mark, "the notice that it is behind", reported);
    stopped.wait_for_since(mark, "live, after all", |line| notice(line) == Some("live"));

    let published = load.end();
    assert_converges(&stopped, &published);
    for (other, mark) in others.iter().zip(marks) {
        assert_complete(other, &published);
        assert_eq!(notices_since(other, mark), [""; 0], "isolated: the others receive no notice");
    }
}

/// Events on three rows, which a slow handler gets.
fn on_three_rows(count: usize) -> Vec<Value> {
    let one = |number: usize| event("t", &(number % 3).to_string(), "set", number.to_string(), "D");
    (0..count).map(one).collect()
}

/// An agent whose handler takes its time for each event.
fn slow_agent(folder: &Folder, publisher: &str) -> Program {
    let command = format!("cat >> {}; sleep 0.02", folder.path().join("handled").display());
    let agent = launch(folder, "agent", publisher).args(["--exec", &command]).start();
    agent.wait_for_notice(0, "live");
    agent
}

/// Waits until this number of events were handled or left out; returns those that were handled.
fn wait_for_handled(folder: &Folder, count: u64) -> Vec<Value> {
    until("every event is handled, or accounted for", || {
        let status = folder.status("agent");
        let of = |name| counter(&status, "handlers", name);
        (of("events_handled") + of("events_conflated") + of("events_outdated") == count).then_some(())
    });
    let text = fs::read_to_string(folder.path().join("handled")).unwrap_or_default();
    text.lines().map(|line| serde_json::from_str(line).expect("an event a line")).collect()
}

/// One row's events keep their order, whatever was left out between them.
fn assert_rows_in_order(handled: &[Value]) {
    for key in ["0", "1", "2"] {
        let of_row = handled.iter().filter(|event| event["key"] == key);
        let numbers = of_row.map(|event| event["value"].as_str().and_then(|text| text.parse::<usize>().ok()));
        assert!(numbers.is_sorted(), "ordered: row {key}");
    }
}

#[test]
fn with_conflate_a_slow_handler_gets_the_final_rows_in_fewer_events() {
    let folder = patient("[agent]\nconflate = true\nhandler_queue_events = 10");
    let service = folder.service();
    let agent = slow_agent(&folder, service.address());
    let published = on_three_rows(300);
    folder.publish(&published);
    let handled = wait_for_handled(&folder, 300);
    assert_convergent(&handled, &fold(&published));
    assert_rows_in_order(&handled);
    let status = folder.status("agent");
    assert!(counter(&status, "handlers", "events_conflated") > 0, "{status}");
    assert_eq!(agent.events().len(), 300, "stdout has them all");
}

#[test]
fn a_slow_handler_blocks_the_agent_and_misses_no_event() {
    let folder = patient("[agent]\nmax_delay = \"1h\"\nhandler_queue_events = 10");
    let service = folder.service();
    let agent = slow_agent(&folder, service.address());
    let mark = agent.mark();
    folder.publish(&on_three_rows(200));
    let handled = wait_for_handled(&folder, 200);
    let numbers: Vec<String> =
        handled.iter().filter_map(|event| event["value"].as_str().map(str::to_owned)).collect();
    assert_eq!(numbers, (0..200).map(|number| number.to_string()).collect::<Vec<_>>());
    assert_eq!(notices_since(&agent, mark), [""; 0], "it was held back, and nothing else happened");
}

#[test]
fn events_dropped_for_a_slow_handler_are_reported_with_their_number() {
    let limits = "[agent]\nhandler_queue_events = 10\nhandler_queue_age = \"50ms\"";
    let folder = patient(limits);
    let service = folder.service();
    let agent = slow_agent(&folder, service.address());
    folder.publish(&on_three_rows(200));
    let handled = wait_for_handled(&folder, 200);
    assert_rows_in_order(&handled);
    let dropped = counter(&folder.status("agent"), "handlers", "events_outdated");
    assert!(dropped > 0, "it was fast enough after all");
    until("every dropped event is reported", || {
        let lines = agent.lines();
        let gaps = lines.iter().filter(|line| notice(line) == Some("handler_gap"));
        (gaps.filter_map(|gap| gap["events"].as_u64()).sum::<u64>() == dropped).then_some(())
    });
}
