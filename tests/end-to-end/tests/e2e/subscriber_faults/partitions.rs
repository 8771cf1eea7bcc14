//! F35, F36 of docs/guarantees.md: the network between an agent and its publisher does not carry, for a while, or in one
//! direction.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use end_to_end::{Folder, Program, event, notice, until};
use serde_json::Value;

use super::agents::{
    assert_complete, assert_converges, delivered, is_long, live_agent, notices_since, patient, times,
};
use super::load::{Load, rows, turns};
use super::proxy::{Fate, Link, Proxy, Way};

const RATE: usize = 500;

/// Parts an agent from its publisher for this time under load; returns its notices since, when it has the truth.
fn part_for(
    folder: &Folder,
    time: Duration,
    make: impl Fn(usize) -> Value + Send + 'static,
) -> (Program, Vec<String>) {
    let service = folder.service();
    let proxy = Proxy::before(service.address());
    let agent = live_agent(folder, "agent", proxy.address());
    let load = Load::start(folder, RATE, make);
    agent.wait_for("an event", end_to_end::is_event);
    let mark = agent.mark();
    proxy.part();
    #[expect(clippy::disallowed_methods, reason = "how long the partition lasts")]
    thread::sleep(time);
    proxy.heal();
    if notices_since(&agent, mark).contains(&"stale".to_owned()) {
        agent.wait_for_since(mark, "live, of all topics", is_live);
    }
    let published = load.end();
    assert_converges(&agent, &published);
    let reported = notices_since(&agent, mark);
    (agent, reported)
}

#[test]
fn a_connection_that_breaks_repeatedly_loses_no_event() {
    let breaks = if is_long() { 50 } else { 4 };
    let folder = patient("");
    let service = folder.service();
    let proxy = Proxy::before(service.address());
    let agent = live_agent(&folder, "agent", proxy.address());
    let start = agent.mark();
    let load = Load::start(&folder, RATE, rows);
    for _ in 0..breaks {
        let mark = agent.mark();
        proxy.cut();
        agent.wait_for_notice(mark, "stale");
        agent.wait_for_since(mark, "live, of all topics", is_live);
    }
    let published = load.end();
    assert_complete(&agent, &published);
    let reported = notices_since(&agent, start);
    for name in ["link_down", "stale", "live"] {
        assert_eq!(times(&reported, name), breaks, "{name}: {reported:?}");
    }
    assert_eq!((times(&reported, "resync"), times(&reported, "gap")), (0, 0), "{reported:?}");
}

/// Live is reported for all topics of the publisher.
fn is_live(line: &Value) -> bool {
    notice(line) == Some("live") && line.get("topic").is_none()
}

fn came_by(agent: &Program, origin: &str) -> usize {
    agent.events().iter().filter(|event| event["origin"] == origin).count()
}

#[test]
fn a_partition_shorter_than_the_link_timeout_keeps_the_link() {
    let folder = patient("");
    let (agent, reported) = part_for(&folder, Duration::from_secs(2), rows);
    assert_eq!(reported, [""; 0], "the network carries late, and nothing is lost");
    assert_eq!((came_by(&agent, "replay"), came_by(&agent, "snapshot")), (0, 0));
}

#[test]
fn after_a_partition_that_the_ring_covers_what_was_missed_is_replayed() {
    let folder = Folder::new();
    let (agent, reported) = part_for(&folder, Duration::from_secs(10), rows);
    assert_eq!((times(&reported, "stale"), times(&reported, "live")), (1, 1), "{reported:?}");
    assert_eq!((times(&reported, "resync"), times(&reported, "gap")), (0, 0), "{reported:?}");
    assert!(came_by(&agent, "replay") > 0, "{reported:?}");
    assert_eq!(came_by(&agent, "snapshot"), 0, "{reported:?}");
}

#[test]
fn after_a_partition_beyond_the_ring_the_difference_comes_as_a_snapshot() {
    let folder = Folder::with_settings("[service]\nring_bytes = \"4MiB\"");
    let time = Duration::from_secs(if is_long() { 60 } else { 10 });
    let (agent, reported) = part_for(&folder, time, |number| {
        let (row, value) = ((number % 300).to_string(), format!("{number:0>900}"));
        event("t", &row, if number % 17 == 16 { "delete" } else { "set" }, value, "D")
    });
    assert_eq!((times(&reported, "stale"), times(&reported, "live")), (1, 1), "{reported:?}");
    assert_eq!((times(&reported, "resync"), times(&reported, "gap")), (0, 0), "{reported:?}");
    assert!(came_by(&agent, "snapshot") > 0, "{reported:?}");
}

#[test]
fn an_agent_whose_requests_do_not_get_through_reports_it_asks_again_and_buffers_no_more_than_it_may() {
    let folder = patient("");
    let service = folder.service();
    let proxy = Proxy::before(service.address());
    let agent = live_agent(&folder, "agent", proxy.address());
    let mark = agent.mark();
    let memory = agent.memory_bytes();
    let robbed = AtomicBool::new(false);
    proxy.hold(Link::Requests, Way::ToPublisher);
    proxy.rule(move |link, _, message| {
        let is_the_one = link == Link::Events && message.is_event() && !robbed.swap(true, Ordering::Relaxed);
        if is_the_one { Fate::Swallow } else { Fate::Pass }
    });
    let load = Load::start(&folder, RATE, turns(200));
    agent.wait_for_notice(mark, "recovering");
    until("requests time out, and are repeated", || {
        let asked = delivered(&folder, "agent", "sync_requests");
        (asked >= 2).then_some(())
    });
    for queue in folder.status("agent")["parts"]["delivery"]["queues"].as_array().into_iter().flatten() {
        assert!(queue["depth"].as_u64() <= queue["bound"].as_u64(), "bounded: {queue}");
    }
    assert_eq!(agent.events().len(), 0, "nothing is applied that does not follow");

    proxy.heal();
    agent.wait_for_since(mark, "live", |line| notice(line) == Some("live"));
    let published = load.end();
    assert_converges(&agent, &published);
    let reported = notices_since(&agent, mark);
    assert_eq!(
        (times(&reported, "resync"), times(&reported, "gap"), times(&reported, "link_down")),
        (0, 0, 0),
        "{reported:?}"
    );
    let grown = agent.memory_bytes().saturating_sub(memory);
    assert!(grown <= 64 * 1024 * 1024, "bounded: the agent has grown by {grown} bytes");
}

#[test]
fn an_agent_whose_subscriptions_do_not_get_through_is_stale_until_they_do() {
    let folder = Folder::new();
    let service = folder.service();
    let proxy = Proxy::before(service.address());
    let agent = live_agent(&folder, "agent", proxy.address());
    let load = Load::start(&folder, RATE, rows);
    agent.wait_for("an event", end_to_end::is_event);
    let mark = agent.mark();
    // The service hears nothing from it, and gives it up; it connects again, and is not heard.
    proxy.hold(Link::Events, Way::ToPublisher);
    agent.wait_for_notice(mark, "stale");
    let links = |line: &Value| notice(line) == Some("link_down");
    agent.wait_for_count(mark, 2, "another link that proves nothing", links);
    proxy.heal();
    agent.wait_for_since(mark, "live, of all topics", is_live);
    let published = load.end();
    assert_complete(&agent, &published);
    let reported = notices_since(&agent, mark);
    assert_eq!((times(&reported, "stale"), times(&reported, "live")), (1, 1), "{reported:?}");
}
