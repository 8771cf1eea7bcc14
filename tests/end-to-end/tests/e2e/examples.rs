//! The programs in `examples/`, each as a process that publishes to a real service or subscribes to one.

use end_to_end::{Folder, Launch, Program, Service, Signal, event, example, key_of};
use serde_json::Value;

/// An example with the settings file of this folder, connected to the service.
fn launch(name: &str, folder: &Folder, service: &Service) -> Launch {
    let launch = Launch::at(&example(name), name, folder.path()).args([folder.config()]);
    launch.env("SKIMMER_PUBLISHERS_IPS", service.address())
}

/// Waits for a line of text that contains `part`.
fn wait_for_text(program: &Program, part: &str) {
    program.wait_for(part, |line| line.as_str().is_some_and(|text| text.contains(part)));
}

/// The sorted keys of the events that an agent received.
fn keys(events: &[Value]) -> Vec<String> {
    let mut keys: Vec<String> = events.iter().map(|event| key_of(event).1).collect();
    keys.sort_unstable();
    keys
}

fn changes() -> [Value; 2] {
    [event("lport", "port-1", "create", "{}", "D"), event("lrouter", "router-1", "set", "{}", "D")]
}

#[test]
fn workers_that_are_forked_after_the_publisher_was_made_publish_with_it() {
    let folder = Folder::new();
    let service = folder.service();
    let agent = folder.subscribed_agent("agent", &service);
    let ended = launch("publish_before_fork", &folder, &service).run().expect(0);
    let mut lines: Vec<&str> = ended.stdout.lines().collect();
    lines.sort_unstable();
    assert_eq!(lines, ["published port-1", "published port-2", "published port-3"]);
    assert_eq!(keys(&agent.wait_for_events(3)), ["port-1", "port-2", "port-3"]);
}

#[test]
fn tasks_that_share_an_async_publisher_publish_with_it() {
    let folder = Folder::new();
    let service = folder.service();
    let agent = folder.subscribed_agent("agent", &service);
    let ended = launch("publish_async", &folder, &service).run().expect(0);
    assert_eq!(ended.stdout, "published 3 events\n");
    assert_eq!(keys(&agent.wait_for_events(3)), ["port-1", "port-2", "port-3"]);
}

#[test]
fn a_subscriber_prints_events_and_notices() {
    let folder = Folder::new();
    let service = folder.service();
    let subscriber = launch("subscribe", &folder, &service).start();
    wait_for_text(&subscriber, "notice: Subscribed");
    folder.publish(&changes());
    wait_for_text(&subscriber, "event: create lport port-1 on D");
    wait_for_text(&subscriber, "event: set lrouter router-1 on D");
    drop(service);
    wait_for_text(&subscriber, "notice: LinkDown");
}

#[test]
fn each_handler_receives_the_changes_of_its_table() {
    let folder = Folder::new();
    let service = folder.service();
    let mut agent = launch("handle_changes", &folder, &service).start();
    agent.wait_for_notice(0, "subscribed");
    folder.publish(&changes());
    wait_for_text(&agent, "ports: create port-1");
    wait_for_text(&agent, "routers: set router-1");
    agent.signal(Signal::INT);
    assert!(agent.wait_for_end().success(), "{}", agent.stderr());
    let lines = agent.lines();
    let mut texts: Vec<&str> = lines.iter().filter_map(Value::as_str).collect();
    texts.sort_unstable();
    assert_eq!(texts, ["ports: create port-1", "routers: set router-1", "the table has 2 rows"]);
}
