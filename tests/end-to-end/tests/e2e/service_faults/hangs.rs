//! The worker hop while the service hangs, and workers that die within an event (docs/guarantees.md#f04).

use std::io::Write;
use std::os::unix::net::UnixStream;
use std::thread;
use std::time::Duration;

use end_to_end::{History, Signal, event, until, zmtp_hello};
use serde_json::Value;

use super::load::Load;
use super::packed::{self, Packed};
use super::scene::Scene;

#[test]
fn events_sent_while_the_service_hangs_arrive_once() {
    let scene = Scene::with_settings("dead_after = \"2s\"\n[drivers.zmtp]\nheartbeat_interval = \"200ms\"");
    let mut service = scene.service();
    let readers = [scene.live_agent("agent"), scene.live_printer("printer")];
    let mut load = Load::start(&scene.folder);
    load.round(|| {
        #[expect(
            clippy::disallowed_methods,
            reason = "the workers are in the middle of the round when the service stops"
        )]
        thread::sleep(Duration::from_millis(300));
        service.signal(Signal::STOP);
        #[expect(
            clippy::disallowed_methods,
            reason = "how long the service hangs: longer than a heartbeat and `dead_after`"
        )]
        thread::sleep(Duration::from_secs(4));
        service.signal(Signal::CONT);
    });
    for reader in &readers {
        load.wait_for_fences(reader);
        let history = load.assert_recovered(reader);
        assert_eq!(history.epochs().len(), 1);
    }
    load.end();
    service.terminate();
}

#[test]
fn a_worker_that_dies_in_the_middle_of_an_event_loses_only_that_event_and_is_logged_once() {
    const WHOLE: usize = 20;
    let scene = Scene::new();
    let mut service = scene.service();
    let agent = scene.live_agent("agent");
    let mut other = scene.folder.worker("other");
    other.write_line(&event("t", "other-0", "set", "v", "D").to_string());
    let mut dying = UnixStream::connect(scene.folder.socket()).expect("the service listens");
    dying.write_all(&zmtp_hello("PUSH", 0)).expect("it reads");
    let of =
        |number: usize| packed::event(["t", &format!("dying-{number}"), "set"], Packed::Text("v"), "D", &[]);
    (0..WHOLE).for_each(|number| dying.write_all(&of(number)).expect("it reads"));
    let last = of(WHOLE);
    dying.write_all(&last[..last.len() / 2]).expect("it reads");
    agent.wait_for("its last whole event", |line| line["key"] == format!("dying-{}", WHOLE - 1));
    drop(dying);

    let words = || service.stderr().matches("disconnected in the middle of an event").count();
    until("the log reports it", || (words() > 0).then_some(()));
    (1..100).for_each(|n| other.write_line(&event("t", &format!("other-{n}"), "set", "v", "D").to_string()));
    agent.wait_for("the others' last event", |line| line["key"] == "other-99");
    assert_eq!(agent.events().len(), WHOLE + 100);
    let _ = History::of(&agent.lines()).assert_without_holes();
    assert_eq!(words(), 1, "{}", service.stderr());
    other.close_stdin();
    assert_eq!(other.wait_for_end().code(), Some(0), "{}", other.stderr());
    service.terminate();
}

/// As the last one, with a worker of ours, whose end comes anywhere.
#[test]
fn killed_workers_leave_whole_events_only_and_hold_nobody_back() {
    let scene = Scene::new();
    let mut service = scene.service();
    let agent = scene.live_agent("agent");
    let mut load = Load::start(&scene.folder);
    load.round(|| {
        let big = "x".repeat(200_000);
        for round in 0..3 {
            let mut killed = scene.folder.worker(&format!("killed-{round}"));
            let key = |number: usize| format!("killed-{round}-{number}");
            let write = |number: usize| event("t", &key(number), "set", big.as_str(), "big").to_string();
            let lines: String = (0..40).map(|number| write(number) + "\n").collect();
            killed.write_line(lines.trim_end());
            agent.wait_for("one of its events", |line| line["key"] == key(0));
            killed.kill();
        }
    });
    load.wait_for_fences(&agent);
    let lines = agent.lines();
    let _ = History::of(&lines).assert_without_holes();
    load.assert_histories(&agent);
    for round in 0..3 {
        let start = format!("killed-{round}-");
        let is_of = |line: &&Value| line["key"].as_str().is_some_and(|key| key.starts_with(&start));
        let came: Vec<Value> = lines.iter().filter(is_of).map(|line| line["key"].clone()).collect();
        let prefix: Vec<Value> = (0..came.len()).map(|number| format!("{start}{number}").into()).collect();
        assert_eq!(came, prefix, "its first events, whole");
    }
    load.end();
    service.terminate();
}
