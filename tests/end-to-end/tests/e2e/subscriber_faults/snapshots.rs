//! F44 of docs/guarantees.md: a large snapshot while its rows change, and one that breaks in the middle.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use end_to_end::{event, is_event, until};
use serde_json::Value;

use super::agents::{assert_converges, delivered, is_long, launch, patient};
use super::load::{Load, last};
use super::proxy::{Fate, Link, Proxy, Way};
use super::zmtp::Message;

/// Some 100 bytes each.
fn rows(count: usize) -> Vec<Value> {
    (0..count).map(|row| event("t", &row.to_string(), "set", "v".repeat(100), "D")).collect()
}

#[test]
fn a_large_snapshot_is_finished_while_its_rows_change() {
    let (rows_count, rate) = (if is_long() { 200_000 } else { 20_000 }, 2000);
    let folder = patient("");
    let service = folder.service();
    let mut published = rows(rows_count);
    folder.publish(&published);
    let load = Load::start(&folder, rate, move |number| {
        let key = (number * 7919 % rows_count).to_string();
        event("t", &key, "set", number.to_string(), "D")
    });
    let agent = launch(&folder, "agent", service.address()).start();
    agent.wait_for("a row of the snapshot", |line| line["origin"] == "snapshot");
    agent.wait_for("live", |line| line["notice"] == "live" && line["topic"] == "D");
    published.extend(load.end());
    assert_converges(&agent, &published);
    assert!(delivered(&folder, "agent", "snapshots") <= 3, "{:?}", agent.notices());
}

#[test]
fn an_interrupted_snapshot_is_not_applied_and_the_next_one_is_complete() {
    const ROWS: usize = 3000;
    const BREAKS: usize = 3;
    let folder = patient("");
    let service = folder.service();
    let mut published = rows(ROWS);
    // Fewer rows than events, so that it matters which of the two comes.
    published.extend(rows(ROWS));
    published.extend((0..ROWS / 3).map(|row| event("t", &row.to_string(), "delete", Value::Null, "D")));
    published.push(last());
    folder.publish(&published);

    let proxy = Proxy::before(service.address());
    let (breaks, is_open) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
    let (broken, may_finish) = (Arc::clone(&breaks), Arc::clone(&is_open));
    let mut came = 0;
    proxy.rule(move |link: Link, way: Way, message: &Message| {
        if link != Link::Requests || way != Way::ToSubscriber || !message.is_event() {
            return Fate::Pass;
        }
        came += 1;
        if came % (ROWS / 2) != 0 || may_finish.load(Ordering::Relaxed) {
            return Fate::Pass;
        }
        broken.fetch_add(1, Ordering::Relaxed);
        Fate::Break
    });
    let agent = launch(&folder, "agent", proxy.address()).start();
    until("it breaks again and again", || (breaks.load(Ordering::Relaxed) >= BREAKS).then_some(()));
    let half: Vec<Value> = agent.events();
    assert_eq!(half, [Value::Null; 0], "nothing is half-applied");
    is_open.store(true, Ordering::Relaxed);
    assert_converges(&agent, &published);
    let is_of_snapshot = |event: &Value| event["origin"] == "snapshot";
    assert!(agent.lines().iter().filter(|line| is_event(line)).all(is_of_snapshot), "it was a snapshot");
    assert_eq!(delivered(&folder, "agent", "snapshots"), 1);
    assert!(!agent.notices().iter().any(|name| name == "resync" || name == "gap"), "{:?}", agent.notices());
}
