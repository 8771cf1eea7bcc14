//! F02 of docs/guarantees.md: the service away for longer than an outbox lasts.

use std::time::{Duration, Instant};

use drivers as _;
use end_to_end::{History, assert_convergent, event, fold, until};
use publisher_client::PublisherClient;
use pubsub_api::{Action, ErrorKind, Event, Registry, SEND_ALL};
use serde_json::Value;
use settings::Sources;

use super::scene::{Scene, reported};

const ROOM: usize = 1000;
const PATIENCE_MS: u64 = 300;

/// A refusal after this time did not come from `send_timeout`, even on a busy machine.
const LATE: Duration = Duration::from_secs(10);

#[test]
fn a_full_outbox_refuses_in_time_and_counts_and_what_was_accepted_arrives() {
    let scene = Scene::with_settings(&format!(
        "send_timeout = \"{PATIENCE_MS}ms\"\nlinger = \"20s\"\n[drivers.zmtp]\nsend_queue_events = {ROOM}"
    ));
    let mut service = scene.service();
    let agent = scene.live_agent("agent");
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let client = runtime.block_on(async { open(&scene) });
    let send = |number: usize| {
        let sent = Event::new("t", number.to_string(), Action::Set, "v", SEND_ALL);
        runtime.block_on(client.send(&sent))
    };
    assert!((0..10).all(|number| send(number).is_ok()));
    agent.wait_for_events(10);

    service.kill();
    let mut accepted: Vec<usize> = (0..10).collect();
    let mut refused = 0;
    for number in 10..ROOM + 60 {
        let started = Instant::now();
        match send(number) {
            Ok(()) => accepted.push(number),
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::Overloaded, "{error}");
                let took = started.elapsed();
                assert!(took >= Duration::from_millis(PATIENCE_MS), "refused after {took:?}: send_timeout");
                assert!(took < LATE, "refused after {took:?}: send_timeout");
                refused += 1;
            }
        }
        if refused == 5 {
            break;
        }
    }
    assert_eq!(refused, 5);
    assert!((ROOM..=ROOM + 10).contains(&accepted.len()), "{} were accepted", accepted.len());
    let status = client.status();
    assert_eq!(status.counter("events_refused", Some("overloaded")), refused, "{status:?}");

    let service = scene.service();
    // It waits for send_timeout each time, and connecting again may take longer.
    until("everything is acknowledged", || runtime.block_on(client.flush()).ok());
    assert!(send(1_000_000).is_ok(), "there is room again");
    accepted.push(1_000_000);
    let came = agent.wait_for_events(accepted.len());
    let keys: Vec<String> = came.iter().map(|event| event["key"].as_str().unwrap().to_owned()).collect();
    assert_eq!(keys, accepted.iter().map(usize::to_string).collect::<Vec<_>>());
    let truth: Vec<Value> = keys.iter().map(|key| event("t", key, "set", "v", "D")).collect();
    assert_convergent(&agent.lines(), &fold(&truth));
    let _ = History::of(&agent.lines()).assert_without_holes();
    assert_eq!(reported(&agent, 0, &["gap", "resync"]), [] as [Value; 0], "{}", service.network());
    runtime.block_on(client.close()).expect("nothing is left");
}

fn open(scene: &Scene) -> PublisherClient {
    let registry = Registry::collect().expect("drivers");
    let sources = Sources { files: vec![scene.folder.config()], ..Sources::default() };
    let (settings, _) = all_settings::load(&sources, &registry.settings()).expect("settings");
    PublisherClient::open(&settings).expect("a worker")
}
