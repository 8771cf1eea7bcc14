//! What an agent keeps while it is busy, and of topics that it does not subscribe to for a while.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use end_to_end::{Folder, Program, Service, counter, event, until};
use serde_json::Value;

/// Publishes changes of one row without a pause until it is dropped.
struct Backlog {
    is_over: Arc<AtomicBool>,
    worker: Option<thread::JoinHandle<()>>,
}

impl Backlog {
    fn of(mut worker: Program) -> Self {
        let is_over = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&is_over);
        let worker = thread::spawn(move || {
            while !seen.load(Ordering::Relaxed) {
                worker.write_line(&event("t", "busy", "set", "v", "D").to_string());
                #[expect(clippy::disallowed_methods, reason = "the pace of the load")]
                thread::sleep(Duration::from_millis(10));
            }
        });
        Self { is_over, worker: Some(worker) }
    }
}

impl Drop for Backlog {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        let _ = self.worker.take().map(thread::JoinHandle::join);
    }
}

#[expect(clippy::indexing_slicing, reason = "a JSON value without the field gives null")]
fn handled(folder: &Folder, action: &str, key: &str) -> bool {
    let text = fs::read_to_string(folder.path().join("handled")).unwrap_or_default();
    let events = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    events.into_iter().any(|event| event["action"] == action && event["key"] == key)
}

fn wait_until_handled(folder: &Folder, action: &str, key: &str) {
    until(&format!("the handler has {action} {key}"), || handled(folder, action, key).then_some(()));
}

#[test]
fn an_agent_whose_handler_has_a_constant_backlog_keeps_its_table_and_forgets_no_delete_when_it_is_killed() {
    let folder = Folder::new();
    let service = folder.service();
    let slow = format!("sleep 0.05; cat >> {}", folder.path().join("handled").display());
    let agent = || {
        let launch = folder.agent_launch("agent", service.address()).args(["--exec", &slow]);
        // The handler has a few events at a time, and all others wait before the agent: it always has something to take.
        launch.set("agent.handler_queue_events", 3).set("agent.save_interval", "200ms").start()
    };
    let mut killed = agent();
    killed.wait_for_notice(0, "live");
    let backlog = Backlog::of(folder.worker("backlog"));
    wait_until_handled(&folder, "set", "busy");
    folder.publish(&[event("t", "row", "create", "v", "D")]);
    wait_until_handled(&folder, "create", "row");
    let kept = || counter(&folder.status("agent"), "agent", "tables_kept");
    let before = kept();
    until("the table is kept while events wait", || (kept() > before + 1).then_some(()));
    folder.publish(&[event("t", "row", "delete", "", "D")]);
    killed.kill();
    drop(backlog);
    assert!(!handled(&folder, "delete", "row"), "the delete is to be handled after the restart");
    let _again = agent();
    wait_until_handled(&folder, "delete", "row");
}

/// What an agent with these topics keeps in the folder's `agent.state`.
fn agent_of(folder: &Folder, service: &Service, topics: &[&str]) -> Program {
    let launch = folder.agent_launch("agent", service.address()).set("agent.save_interval", "100ms");
    let agent = topics.iter().fold(launch, |launch, topic| launch.args(["--topic", topic])).start();
    agent.wait_for_notice(0, "live");
    agent
}

#[test]
fn a_row_that_was_deleted_while_its_topic_was_not_subscribed_is_deleted_when_it_is_again() {
    let folder = Folder::new();
    let service = folder.service();
    let mut with = agent_of(&folder, &service, &["tenant-1"]);
    let rows = ["kept", "gone"].map(|key| event("t", key, "create", "v", "tenant-1"));
    folder.publish(&rows);
    with.wait_for_events(2);
    with.terminate();

    let mut without = agent_of(&folder, &service, &[]);
    folder.publish(&[event("t", "gone", "delete", "", "tenant-1"), event("t", "other", "create", "v", "D")]);
    without.wait_for("another row", |line| line["key"] == "other");
    without.terminate();
    let events = without.events();
    assert!(events.iter().all(|event| event["topic"] == "D"), "what is not subscribed to stays: {events:?}");

    let again = agent_of(&folder, &service, &["tenant-1"]);
    again.wait_for("the delete", |line| line["action"] == "delete" && line["key"] == "gone");
    let reported: Vec<Value> = again.events().into_iter().filter(|event| event["key"] == "kept").collect();
    assert!(reported.is_empty(), "the other row is known: {reported:?}");
}
