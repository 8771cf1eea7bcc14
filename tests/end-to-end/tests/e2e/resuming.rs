//! An agent that starts again goes on where it stopped: what it has kept is not delivered again, what it has missed is.

use std::fs;
use std::path::PathBuf;

use end_to_end::{Folder, Launch, Program, Service, event, until};
use serde_json::Value;

mod clocks;
mod kept;
mod many_topics;

fn events(from: usize, to: usize) -> Vec<Value> {
    (from..to).map(|n| event("t", &n.to_string(), "set", "v", "D")).collect()
}

fn launch(folder: &Folder, service: &Service) -> Launch {
    let launch = folder.agent_launch("agent", service.address()).args(["--pattern", "#"]);
    launch.set("agent.save_interval", "100ms")
}

fn live_agent(folder: &Folder, service: &Service) -> Program {
    let agent = launch(folder, service).start();
    agent.wait_for_notice(0, "live");
    agent
}

fn table_file(folder: &Folder) -> PathBuf {
    folder.state_dir("agent.state").join("agent-table")
}

/// The events without how they came.
fn plain(mut events: Vec<Value>) -> Vec<Value> {
    for event in events.iter_mut().filter_map(Value::as_object_mut) {
        event.remove("origin");
    }
    events
}

#[test]
fn a_restarted_agent_writes_the_missed_events_and_nothing_twice() {
    let folder = Folder::new();
    let service = folder.service();
    let mut agent = live_agent(&folder, &service);
    folder.publish(&events(0, 10));
    agent.wait_for_events(10);
    agent.terminate();
    folder.publish(&events(10, 15));

    let mut agent = launch(&folder, &service).start();
    let came = agent.wait_for_events(5);
    assert!(came.iter().all(|event| event["origin"] == "replay"), "{came:?}");
    agent.wait_for_notice(0, "live");
    folder.publish(&events(15, 16));
    assert_eq!(plain(agent.wait_for_events(6)), events(10, 16));
    agent.terminate();
}

#[test]
fn a_killed_agent_continues_from_its_last_saved_table() {
    let folder = Folder::new();
    let service = folder.service();
    let mut agent = live_agent(&folder, &service);
    folder.publish(&events(0, 10));
    agent.wait_for_events(10);
    let contains = |key: &str| {
        let kept = fs::read(table_file(&folder)).unwrap_or_default();
        kept.windows(key.len()).any(|window| window == key.as_bytes())
    };
    folder.publish(&[event("t", "the-last-row", "set", "v", "D")]);
    until("the table is kept", || contains("the-last-row").then_some(()));
    agent.kill();
    folder.publish(&events(10, 12));
    let agent = live_agent(&folder, &service);
    assert_eq!(plain(agent.wait_for_events(2)), events(10, 12));
}

#[test]
fn a_modified_table_file_is_refused_and_the_agent_starts_with_an_empty_table() {
    let folder = Folder::new();
    let service = folder.service();
    let mut agent = live_agent(&folder, &service);
    folder.publish(&events(0, 3));
    agent.wait_for_events(3);
    agent.terminate();
    let mut kept = fs::read(table_file(&folder)).unwrap_or_default();
    let middle = kept.len() / 2;
    kept[middle] ^= 1;
    fs::write(table_file(&folder), &kept).unwrap_or_default();

    let agent = live_agent(&folder, &service);
    assert_eq!(plain(agent.wait_for_events(3)), events(0, 3), "it has nothing, and asks for everything");
    assert!(agent.stderr().contains("its checksum is wrong"), "{}", agent.stderr());
    assert_eq!(fs::read(table_file(&folder).with_extension("refused")).unwrap_or_default(), kept);
}

#[test]
fn an_agent_with_keep_table_off_starts_with_an_empty_table() {
    let folder = Folder::with_settings("[agent]\nkeep_table = false");
    let service = folder.service();
    let mut agent = live_agent(&folder, &service);
    folder.publish(&events(0, 3));
    agent.wait_for_events(3);
    agent.terminate();
    assert!(!table_file(&folder).exists());
    let agent = live_agent(&folder, &service);
    assert_eq!(agent.wait_for_events(3).len(), 3);
}

#[test]
fn sub_shows_gaps_in_order_and_stamps_on_request() {
    let folder = Folder::new();
    let service = folder.service();
    let sub = folder.skimmer(&["sub", "--show-gaps", "--stamps", "--count", "3", "--timeout", "60s"]);
    let mut sub = sub.set("publishers_ips", service.address()).start();
    sub.wait_for_notice(0, "live");
    folder.publish(&events(0, 3));
    assert_eq!(sub.wait_for_end().code(), Some(0), "{}", sub.stderr());
    assert!(sub.notices().starts_with(&["link_up", "subscribed", "live"].map(str::to_owned)));
    let sequences: Vec<_> = sub.events().iter().map(|event| event["stamp"]["sequence"].clone()).collect();
    assert_eq!(sequences, [1, 2, 3]);

    let late = folder.skimmer(&["sub", "--count", "3", "--timeout", "60s"]);
    let late = late.set("publishers_ips", service.address()).run().expect(0);
    assert_eq!(plain(late.lines()), events(0, 3), "a late agent receives the rows, and no notices on stdout");
    assert!(late.stderr.contains("\"notice\":\"subscribed\""), "{}", late.stderr);
}
