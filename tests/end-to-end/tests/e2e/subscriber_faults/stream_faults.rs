//! F37, F38, F39 of docs/guarantees.md: the stream loses an event, repeats some, or changes their order.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use end_to_end::{Folder, History, Program, Service, event, jsonl, until};
use serde_json::Value;

use super::agents::{delivered, live_agent, notices_since, patient};
use super::proxy::{Fate, Link, Proxy, Way};
use super::zmtp::Message;

fn numbered(count: usize) -> Vec<Value> {
    (0..count).map(|number| event("t", &format!("{number:05}"), "set", "v", "D")).collect()
}

/// A live agent that connects through a proxy.
fn proxied(folder: &Folder) -> (Service, Proxy, Program) {
    let service = folder.service();
    let proxy = Proxy::before(service.address());
    let agent = live_agent(folder, "agent", proxy.address());
    (service, proxy, agent)
}

/// What becomes of the events of the stream, each with its number from 0; everything else passes.
fn on_events(proxy: &Proxy, mut fate: impl FnMut(usize) -> Fate + Send + 'static) {
    let mut number = 0;
    proxy.rule(move |link: Link, way: Way, message: &Message| {
        if link != Link::Events || way != Way::ToSubscriber || !message.is_event() {
            return Fate::Pass;
        }
        number += 1;
        fate(number - 1)
    });
}

/// Each event came, once and in its place.
#[track_caller]
fn assert_all(agent: &Program, published: &[Value]) {
    let keys = |events: &[Value]| -> Vec<Value> { events.iter().map(|event| event["key"].clone()).collect() };
    assert_eq!(keys(&agent.wait_for_events(published.len())), keys(published));
    let _complete = History::of(&agent.lines()).assert_without_holes();
}

#[test]
fn an_event_lost_before_silence_is_detected_by_a_mark_and_replayed() {
    let folder = patient("");
    let (_service, proxy, agent) = proxied(&folder);
    on_events(&proxy, |number| if number == 9 { Fate::Swallow } else { Fate::Pass });
    let mark = agent.mark();
    let published = numbered(10);
    folder.publish(&published);
    let lost = Instant::now();
    agent.wait_for_notice(mark, "recovering");
    let found = lost.elapsed();
    agent.wait_for_events(10);
    let repaired = lost.elapsed();
    assert!(found <= 5 * Duration::from_millis(500), "found after {found:?}");
    assert!(repaired <= 5 * Duration::from_secs(1), "repaired after {repaired:?}");
    assert_all(&agent, &published);
    assert_eq!(agent.events()[9]["origin"], "replay");
    agent.wait_for_notice(mark, "live");
    assert_eq!(notices_since(&agent, mark), ["recovering"]);
}

#[test]
fn events_that_come_twice_are_applied_once_and_counted() {
    let folder = patient("");
    let (_service, proxy, agent) = proxied(&folder);
    on_events(&proxy, |number| if number % 3 == 0 { Fate::Repeat } else { Fate::Pass });
    let mark = agent.mark();
    let published = numbered(300);
    folder.publish(&published);
    assert_all(&agent, &published);
    until("each repeat is counted", || {
        (delivered(&folder, "agent", "events_duplicate") == 100).then_some(())
    });
    assert_all(&agent, &published);
    assert_eq!(notices_since(&agent, mark), [""; 0]);
    assert_eq!(delivered(&folder, "agent", "sync_requests"), 0, "nothing had to be asked for");
}

#[test]
fn events_that_change_places_are_applied_in_their_order() {
    let folder = patient("");
    let (_service, proxy, agent) = proxied(&folder);
    on_events(&proxy, |number| match number % 20 {
        3 => Fate::Behind(1),
        11 => Fate::Behind(5),
        _ => Fate::Pass,
    });
    let mark = agent.mark();
    let published = numbered(300);
    folder.publish(&published);
    assert_all(&agent, &published);
    agent.wait_for_notice(mark, "live");
    assert!(notices_since(&agent, mark).iter().all(|name| name == "recovering"), "{:?}", agent.notices());
}

/// As many as are held back, and more (docs/design.md#when-a-queue-is-full, `gap_buffers`).
const BEYOND_THE_BUFFER: usize = 5000;

#[test]
fn events_beyond_the_gap_buffer_are_requested_again() {
    let folder = patient("");
    let (_service, proxy, agent) = proxied(&folder);
    let passed = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&passed);
    on_events(&proxy, move |number| {
        counted.fetch_add(1, Ordering::Relaxed);
        if number == 0 { Fate::Behind(BEYOND_THE_BUFFER) } else { Fate::Pass }
    });
    // Or it would be repaired long before.
    proxy.hold(Link::Requests, Way::ToPublisher);
    let published = numbered(BEYOND_THE_BUFFER + 200);
    let mut worker = folder.worker("worker");
    worker.write_line(jsonl(&published[..BEYOND_THE_BUFFER - 100]).trim_end());
    until("the buffer is too small", || {
        (delivered(&folder, "agent", "events_to_be_asked_for_again") > 0).then_some(())
    });
    assert_eq!(agent.events().len(), 0, "the first has not come");
    proxy.heal();
    worker.write_line(jsonl(&published[BEYOND_THE_BUFFER - 100..]).trim_end());
    assert_all(&agent, &published);
    assert_eq!(passed.load(Ordering::Relaxed), published.len(), "the stream itself goes on");
}
