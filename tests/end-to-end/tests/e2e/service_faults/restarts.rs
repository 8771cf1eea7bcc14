//! F03, F76 of docs/guarantees.md: the service stopped as an operator stops it, at rest and under load.

use std::thread;
use std::time::Duration;

use end_to_end::{History, counters, event};
use serde_json::Value;

use super::load::Load;
use super::scene::{Scene, reported};

const PAUSE: Duration = Duration::from_millis(300);

/// The notices that an agent must not have when its service is restarted in order.
const REPAIRS: [&str; 4] = ["gap", "resync", "recovering", "duplicate_publisher"];

#[test]
fn after_a_graceful_restart_agents_go_on_without_asking_for_anything() {
    let scene = Scene::new();
    let mut service = scene.service();
    let agent = scene.live_agent("agent");
    let events = |from: usize| -> Vec<Value> {
        let topic = |n: usize| ["D", "one", "two"][n % 3];
        (from..from + 90).map(|n| event("t", &n.to_string(), "set", "v", topic(n))).collect()
    };
    scene.folder.publish(&events(0));
    agent.wait_for_events(90);
    for restart in 1..=2 {
        let mark = agent.mark();
        service.terminate();
        service = scene.service();
        // Marks carry every topic's `prev`: without one, a topic would stay unproved, and be requested.
        let is_live = |line: &Value| end_to_end::notice(line) == Some("live") && line.get("topic").is_none();
        agent.wait_for_since(mark, "live, of all topics", is_live);
        scene.folder.publish(&events(90 * restart));
        agent.wait_for_events(90 * (restart + 1));
        assert_eq!(reported(&agent, mark, &REPAIRS), [] as [Value; 0]);
    }
    for counted in ["snapshots", "resyncs", "gaps", "recoveries", "sync_requests", "events_replayed"] {
        assert_eq!(scene.delivery("agent", counted), 0, "{counted}: {}", scene.folder.status("agent"));
    }
    let history = History::of(&agent.lines()).assert_without_holes();
    assert_eq!(history.epochs().len(), 3, "one line of numbers through all lives");
    let start = counters(&scene.folder.status("service"), "delivery", "ring_start");
    assert_eq!(start, [("recovered".to_owned(), 1)]);
}

#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "the workers publish for a while before the service ends, and while it is away"
)]
fn a_service_stopped_under_load_drains_and_loses_no_accepted_event() {
    let scene = Scene::new();
    let mut service = scene.service();
    let readers = [scene.live_agent("agent"), scene.live_printer("printer")];
    let mut load = Load::start(&scene.folder);
    for _ in 0..2 {
        service = load.round(|| {
            thread::sleep(PAUSE);
            service.terminate();
            thread::sleep(PAUSE);
            scene.service()
        });
        readers.iter().for_each(|reader| load.wait_for_fences(reader));
    }
    readers.iter().for_each(|reader| drop(load.assert_recovered(reader)));
    load.end();
    service.terminate();
}
