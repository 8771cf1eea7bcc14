//! A service that moves, and another one in its place: an address and an id are different things.

use end_to_end::{Folder, Launch, Program, Service, counter, event, fixed_port, notice};
use serde_json::Value;

fn events(from: usize, to: usize) -> Vec<Value> {
    (from..to).map(|n| event("t", &n.to_string(), "set", "v", "D")).collect()
}

fn service(folder: &Folder, name: &str, port: u16) -> Launch {
    folder.launch("publisher-service", name).set("publisher_port", port)
}

fn agent(folder: &Folder, port: u16) -> Program {
    let launch = folder.agent_launch("agent", &format!("127.0.0.1:{port}")).args(["--pattern", "#"]);
    launch.set("agent.save_interval", "100ms").start()
}

/// Waits until all that the agent follows is live.
fn until_live(agent: &Program, mark: usize) {
    let is_whole = |line: &Value| notice(line) == Some("live") && line["topic"].is_null();
    agent.wait_for_since(mark, "live", is_whole);
}

/// The notices that say how the agent stands, in order.
fn standing(agent: &Program) -> Vec<String> {
    let lines = agent.lines();
    let words = lines.iter().filter_map(|line| {
        let word = notice(line)?;
        let is_whole = line["topic"].is_null();
        (is_whole && ["subscribed", "resync", "stale", "live"].contains(&word)).then(|| word.to_owned())
    });
    words.collect()
}

#[test]
fn a_service_under_another_name_is_the_same_publisher_and_what_an_agent_missed_is_replayed() {
    let (folder, port) = (Folder::new(), fixed_port());
    let mut before = Service::ready(service(&folder, "service", port).start());
    let mut follower = agent(&folder, port);
    follower.wait_for_notice(0, "live");
    folder.publish(&events(0, 3));
    follower.wait_for_events(3);
    follower.terminate();
    folder.publish(&events(3, 6));
    before.kill();

    // Its derived id would be another one, as under another host name.
    let moved = service(&folder, "service", port)
        .set("publisher_bind_address", "0.0.0.0")
        .set("allow_unauthenticated", true)
        .start();
    let moved = Service::ready(moved);
    let follower = agent(&folder, port);
    let missed = follower.wait_for_events(3);
    assert!(missed.iter().all(|event| event["origin"] == "replay"), "{missed:?}");
    until_live(&follower, 0);
    assert_eq!(standing(&follower), ["subscribed", "live"]);
    let status = folder.status("service");
    assert_eq!(counter(&status, "delivery", "rings_of_other_publishers"), 0);
    drop(moved);
}

#[test]
fn another_publisher_at_the_same_address_is_a_resync_before_live_also_after_a_restart_of_the_agent() {
    let (folder, port) = (Folder::new(), fixed_port());
    let mut first = Service::ready(service(&folder, "first", port).start());
    let mut follower = agent(&folder, port);
    follower.wait_for_notice(0, "live");
    folder.publish(&events(0, 3));
    follower.wait_for_events(3);
    first.terminate();
    follower.wait_for_notice(0, "stale");

    let mark = follower.mark();
    let mut second = Service::ready(service(&folder, "second", port).set("publisher_id", "second").start());
    until_live(&follower, mark);
    assert_eq!(standing(&follower), ["subscribed", "live", "stale", "subscribed", "resync", "live"]);
    folder.publish(&events(3, 4));
    follower.wait_for_events(4);
    follower.terminate();
    second.terminate();

    let third = Service::ready(service(&folder, "third", port).set("publisher_id", "third").start());
    let follower = agent(&folder, port);
    until_live(&follower, 0);
    assert_eq!(standing(&follower), ["subscribed", "resync", "live"]);
    drop(third);
}

#[test]
fn a_ring_of_another_publisher_in_the_folder_is_logged_at_the_start() {
    let (folder, port) = (Folder::new(), fixed_port());
    let mut before = Service::ready(service(&folder, "service", port).start());
    folder.publish(&events(0, 1));
    before.terminate();
    let renamed = service(&folder, "service", port).set("publisher_id", "another").start();
    let renamed = Service::ready(renamed);
    let log = renamed.stderr();
    assert!(log.contains("of other publishers, and this one is another"), "{log}");
    assert!(log.contains("was kept by"), "{log}");
    let status = folder.status("service");
    assert_eq!(counter(&status, "delivery", "rings_of_other_publishers"), 1);
    assert_eq!(counter(&status, "delivery", "publisher_id_replaced"), 1);
}
