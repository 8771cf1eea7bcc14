use end_to_end::{Folder, Program, Service, Signal, event, notice};
use interop::Proxy;
use serde_json::Value;

use crate::cases::{Case, cases};
use crate::drivers::Drivers;

pub(crate) const CASES: &[Case] =
    cases![two_services_behind_one_proxy_are_both_followed_and_each_may_fall_silent];

/// Waits until all that the agent follows is so.
fn until_whole(agent: &Program, mark: usize, word: &str) {
    let is_it = |line: &Value| notice(line) == Some(word) && line["topic"].is_null();
    agent.wait_for_since(mark, word, is_it);
}

fn keys(agent: &Program) -> Vec<String> {
    let events = agent.events();
    let mut keys: Vec<String> =
        events.iter().filter_map(|event| event["key"].as_str().map(str::to_owned)).collect();
    keys.sort();
    keys
}

fn publish(folders: &[&Folder; 2], round: usize) {
    for (of, folder) in folders.iter().enumerate() {
        folder.publish(&[event("t", &format!("{round}-of-{of}"), "set", "v", "D")]);
    }
}

fn two_services_behind_one_proxy_are_both_followed_and_each_may_fall_silent(drivers: Drivers) {
    let folders = [&drivers.folder(), &drivers.folder()];
    let service = |folder: &Folder, id: &str| {
        Service::ready(folder.launch("publisher-service", "service").set("publisher_id", id).start())
    };
    let services = [service(folders[0], "one"), service(folders[1], "two")];
    let proxy = Proxy::before(folders[0], &[services[0].network(), services[1].network()]);
    let agent = folders[0].agent_launch("agent", proxy.address()).args(["--pattern", "#"]).start();
    let subscribed = |line: &Value| notice(line) == Some("subscribed");
    agent.wait_for_count(0, 2, "both hellos", subscribed);
    until_whole(&agent, 0, "live");

    publish(&folders, 0);
    agent.wait_for_events(2);
    assert_eq!(keys(&agent), ["0-of-0", "0-of-1"]);

    let mark = agent.mark();
    services[1].signal(Signal::STOP);
    until_whole(&agent, mark, "stale");
    folders[0].publish(&[event("t", "goes-on", "set", "v", "D")]);
    agent.wait_for_events(3);

    let mark = agent.mark();
    services[1].signal(Signal::CONT);
    until_whole(&agent, mark, "live");
    publish(&folders, 1);
    agent.wait_for_events(5);
    assert_eq!(keys(&agent), ["0-of-0", "0-of-1", "1-of-0", "1-of-1", "goes-on"]);
}
