//! F28, F26 of docs/guarantees.md: where a subscriber goes on after a restart, its own or its publisher's, and positions
//! that nobody knows.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use end_to_end::{Folder, History, Program, Service, event, fixed_port, plain};
use serde_json::Value;

use super::agents::{assert_converges, delivered, launch, live_agent, notices_since, patient, times};
use super::load::{Load, is_last, rows, turns};

fn table_file(folder: &Folder) -> PathBuf {
    folder.state_dir("agent.state").join("agent-table")
}

fn keeping_agent(folder: &Folder, service: &Service) -> Program {
    let agent = launch(folder, "agent", service.address()).set("agent.save_interval", "100ms").start();
    agent.wait_for_notice(0, "live");
    agent
}

#[test]
fn an_agent_that_restarts_under_load_continues_where_it_was_and_writes_nothing_twice() {
    let folder = patient("");
    let service = folder.service();
    let load = Load::start(&folder, 500, rows);
    let (mut lines, mut history) = (Vec::new(), History::default());
    for life in 0..3 {
        let mut agent = keeping_agent(&folder, &service);
        let mark = agent.mark();
        agent.wait_for_count(mark, 200, "events of this life", end_to_end::is_event);
        // What came at once is not known to anybody; from the second life on nothing but replay will do.
        let snapshots = delivered(&folder, "agent", "snapshots");
        assert!(life == 0 || snapshots == 0, "life {life} took {snapshots} snapshots");
        agent.terminate();
        history = history.then(&agent.lines());
        lines.extend(agent.lines());
    }
    let agent = keeping_agent(&folder, &service);
    let published = load.end();
    agent.wait_for("the last event", is_last);
    lines.extend(agent.lines());
    let _sound = history.then(&agent.lines()).assert_sound();
    let mut came: Vec<Value> = lines.into_iter().filter(end_to_end::is_event).map(plain).collect();
    // Of a snapshot the order is the publisher's own.
    let mut wanted = published;
    for events in [&mut came, &mut wanted] {
        events.sort_by_key(|event| event["key"].to_string());
    }
    assert_eq!(came.len(), wanted.len(), "nothing twice, nothing missing");
    assert_eq!(came, wanted);
}

#[test]
fn an_invalid_file_of_positions_is_refused_and_logged_and_the_agent_starts_over() {
    let folder = patient("");
    let service = folder.service();
    let mut agent = keeping_agent(&folder, &service);
    let published: Vec<Value> = (0..50).map(rows).collect();
    folder.publish(&published);
    agent.wait_for_events(50);
    agent.terminate();
    let kept = fs::read(table_file(&folder)).expect("it was kept");
    let mut changed = kept.clone();
    let middle = changed.len() / 2;
    changed[middle] ^= 0x40;
    for (what, bytes) in [
        ("empty", Vec::new()),
        ("torn", kept[..kept.len() * 2 / 3].to_vec()),
        ("changed", changed),
        ("longer", [&kept[..], b"more"].concat()),
        ("somebody else's", b"#!/bin/sh\necho no table\n".to_vec()),
    ] {
        fs::write(table_file(&folder), &bytes).expect("it can be written");
        let mut agent = keeping_agent(&folder, &service);
        let came: Vec<Value> = agent.wait_for_events(50).into_iter().map(plain).collect();
        assert_eq!(came, published, "{what}: everything anew");
        assert!(agent.stderr().contains("agent-table"), "{what}: {}", agent.stderr());
        assert_eq!(fs::read(table_file(&folder).with_extension("refused")).ok(), Some(bytes), "{what}");
        agent.terminate();
    }
}

#[test]
fn positions_of_another_publisher_are_kept_and_not_used_for_this_one() {
    let named = |name: &str| patient(&format!("publisher_id = {name:?}"));
    let (folder, elsewhere) = (named("here"), named("elsewhere"));
    let (service, other) = (folder.service(), elsewhere.service());
    let mut agent = keeping_agent(&elsewhere, &other);
    elsewhere.publish(&[event("other", "k", "set", "v", "D")]);
    agent.wait_for_events(1);
    agent.terminate();
    fs::copy(table_file(&elsewhere), table_file(&folder)).expect("it was kept");

    let published: Vec<Value> = (0..50).map(rows).collect();
    folder.publish(&published);
    let agent = keeping_agent(&folder, &service);
    let came: Vec<Value> = agent.wait_for_events(50).into_iter().map(plain).collect();
    assert_eq!(came, published);
    assert_eq!(times(&agent.notices(), "resync"), 0, "{:?}", agent.notices());
}

/// The one folder of the service's ring.
fn ring(folder: &Folder) -> PathBuf {
    let state = fs::read_dir(folder.state_dir("service.state")).expect("a folder");
    let paths = state.map(|entry| entry.expect("an entry").path());
    let is_ring =
        |path: &PathBuf| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("ring-"));
    paths.into_iter().find(is_ring).expect("a service has a ring")
}

fn copy_files(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder can be made");
    for entry in fs::read_dir(from).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_file() {
            fs::copy(&path, to.join(path.file_name().expect("a name"))).expect("a file can be copied");
        }
    }
}

/// Kills a service that an agent is up to date with, does something to its ring, and starts it again; then the agent must
/// report once that its position means nothing, and follow what is published from now on.
fn assert_one_resync(folder: &Folder, between: impl FnOnce(&Folder)) {
    const NO_LOOP: Duration = Duration::from_secs(3);
    let port = fixed_port();
    let mut service = folder.service_at(port);
    let agent = live_agent(folder, "agent", service.address());
    let published: Vec<Value> = (0..100).map(rows).collect();
    folder.publish(&published[..50]);
    agent.wait_for_events(50);
    let ring = ring(folder);
    copy_files(&ring, &folder.state_dir("backup"));
    folder.publish(&published[50..]);
    agent.wait_for_events(100);

    let mark = agent.mark();
    service.kill();
    between(folder);
    let _service = folder.service_at(port);
    agent.wait_for_notice(mark, "resync");
    let live = |line: &Value| line["notice"] == "live" && line.get("topic").is_none();
    agent.wait_for_since(mark, "live, of all topics", live);
    let asked = delivered(folder, "agent", "sync_requests");
    #[expect(clippy::disallowed_methods, reason = "that nothing more happens can only be seen by waiting")]
    thread::sleep(NO_LOOP);
    let asked_again = delivered(folder, "agent", "sync_requests") - asked;
    assert_eq!(asked_again, 0, "no loop");
    assert_eq!(times(&notices_since(&agent, mark), "resync"), 1, "{:?}", agent.notices());

    let load = Load::start(folder, 500, turns(50));
    agent.wait_for_count(mark, 100, "events of the new life", end_to_end::is_event);
    let after = load.end();
    let all: Vec<Value> = published.into_iter().chain(after).collect();
    assert_converges(&agent, &all);
    assert_eq!(times(&notices_since(&agent, mark), "resync"), 1, "{:?}", agent.notices());
}

#[test]
fn a_publisher_that_lost_its_state_is_reported_as_one_resync() {
    let folder = patient("");
    assert_one_resync(&folder, |folder| fs::remove_dir_all(ring(folder)).expect("it can be removed"));
}

#[test]
fn a_publisher_restored_from_a_backup_is_reported_as_one_resync() {
    let folder = patient("");
    assert_one_resync(&folder, |folder| {
        let ring = ring(folder);
        fs::remove_dir_all(&ring).expect("it can be removed");
        copy_files(&folder.state_dir("backup"), &ring);
    });
}
