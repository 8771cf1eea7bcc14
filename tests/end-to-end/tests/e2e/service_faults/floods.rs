//! F65 of docs/guarantees.md: one subscriber that asks for everything again and again.

use std::thread;
use std::time::{Duration, Instant};

use delivery::{Position, SyncItem, SyncRequest};
use end_to_end::{Folder, History, RawPeer, counters, event, until, zmtp_hello};
use pubsub_api::{SEND_ALL, Topic};
use serde_json::Value;

use super::load::Load;
use super::packed::message;
use super::scene::Scene;

const MIB: u64 = 1024 * 1024;

/// Requests a second, and for how long.
const RATE: u64 = 1000;
const SECONDS: u64 = 3;

#[test]
fn a_flood_of_requests_is_delayed_and_does_not_affect_other_agents() {
    let scene = Scene::new();
    let mut service = scene.service();
    let agent = scene.live_agent("agent");
    let rows: Vec<Value> =
        (0..500).map(|row| event("t", &row.to_string(), "set", "v".repeat(200), "D")).collect();
    scene.folder.publish(&rows);
    agent.wait_for_events(rows.len());
    let before = service.memory_bytes();

    let mut load = Load::start(&scene.folder);
    load.round(|| flood(service.address()));
    load.wait_for_fences(&agent);
    let _ = History::of(&agent.lines()).assert_without_holes();
    let (busy, answered) = until("most are put off", || {
        let answers = answers(&scene.folder);
        (answers.0 >= RATE * SECONDS / 2).then_some(answers)
    });
    assert!(answered <= 32 + 5 * 4 * (SECONDS + 10), "{answered} answers beside {busy} that say: later");
    let grown = service.memory_bytes().saturating_sub(before);
    assert!(grown <= 64 * MIB, "the service has grown by {grown} bytes");
    load.end();
    service.terminate();
}

/// The number of replies "busy", and of all others.
fn answers(folder: &Folder) -> (u64, u64) {
    let all = counters(&folder.status("service"), "delivery", "sync_answers");
    let sum = |is_busy: bool| {
        let chosen = all.iter().filter(|(cause, _)| (cause == "busy") == is_busy);
        chosen.map(|(_, count)| count).sum::<u64>()
    };
    (sum(true), sum(false))
}

/// Asks, and reads what is answered.
fn flood(address: &str) {
    let mut asker = RawPeer::tcp(address);
    asker.say(&zmtp_hello("DEALER", 0));
    let started = Instant::now();
    let mut asked = 0;
    while asked < RATE * SECONDS {
        let due = started.elapsed().as_millis() as u64 * RATE / 1000;
        while asked < due.min(RATE * SECONDS) {
            asked += 1;
            asker.say(&request(asked));
        }
        #[expect(clippy::disallowed_methods, reason = "the pace of the flood")]
        thread::sleep(Duration::from_millis(5));
    }
    // The first events of the ring, and the heads of all other answers.
    (0..100).for_each(|_| drop(asker.event()));
}

fn request(id: u64) -> Vec<u8> {
    let want = |topic| SyncItem { topic, position: Position::NONE };
    let rows = Topic::new("rows").expect("a topic");
    let request = SyncRequest { id, items: vec![want(SEND_ALL), want(rows)] };
    let packed = request.pack().expect("a request");
    message(packed.topic.as_bytes(), &packed.payload)
}
