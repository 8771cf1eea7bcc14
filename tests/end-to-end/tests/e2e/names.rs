//! Publishers that are named by a host name: each of its addresses is followed.
#![expect(clippy::expect_used, reason = "a test ends where an expectation fails")]

use std::path::Path;

use end_to_end::{Folder, Launch, Program, Service, event, until};
use serde_json::Value;

mod ipv6;

/// Short times, so that a test sees an address removed, and one that does not answer reported.
const QUICK: &str =
    "dead_after = \"3s\"\n[drivers.zmtp]\nlookup_interval = \"1s\"\nhandshake_timeout = \"1s\"";

/// The names that the programs of a test know, in mounts of their own. Writing the file again changes them.
fn with_hosts(folder: &Folder, launch: Launch, addresses: &[&str]) -> Launch {
    let hosts = write_hosts(folder, addresses);
    with_hosts_at(launch, &hosts)
}

/// As [`with_hosts`], with the whole text of the file.
fn with_hosts_text(folder: &Folder, launch: Launch, text: &str) -> Launch {
    let hosts = folder.write("hosts", text);
    with_hosts_at(launch, &hosts)
}

fn with_hosts_at(launch: Launch, hosts: &Path) -> Launch {
    let script = r#"mount --bind "$0" /etc/hosts && exec "$@""#;
    launch
        .under("unshare", &["--map-root-user", "--mount", "sh", "-c", script, hosts.to_str().expect("text")])
}

/// Writes to the file that is mounted: another file in its place would not be seen.
fn write_hosts(folder: &Folder, addresses: &[&str]) -> std::path::PathBuf {
    let lines = addresses.iter().map(|address| format!("{address} publishers.example\n"));
    folder.write("hosts", &format!("127.0.0.1 localhost\n{}", lines.collect::<String>()))
}

/// An agent for all topics of `publishers.example`, whose addresses are these.
fn agent(folder: &Folder, port: &str, addresses: &[&str]) -> Program {
    let launch = folder.agent_launch("agent", &format!("publishers.example:{port}")).args(["--pattern", "#"]);
    with_hosts(folder, launch, addresses).start()
}

fn port(service: &Service) -> &str {
    service.address().rsplit_once(':').expect("a port").1
}

/// A service in a folder of its own, at an address and a port.
fn service_at(folder: &Folder, address: &str, port: &str) -> Service {
    let launch = folder.launch("publisher-service", "service").set("allow_unauthenticated", true);
    Service::ready(launch.set("publisher_bind_address", address).set("publisher_port", port).start())
}

/// Two services on one port of two addresses.
fn two_services() -> (Folder, Service, Folder, Service) {
    let (one, two) = (Folder::with_settings(QUICK), Folder::new());
    let first = service_at(&one, "127.0.0.1", "0");
    let second = service_at(&two, "127.0.0.2", port(&first));
    (one, first, two, second)
}

fn link(port: &str, address: &str) -> String {
    format!("tcp://publishers.example:{port}/{address}")
}

/// Waits for a notice about the link to an address.
fn wait_for(agent: &Program, mark: usize, notice: &str, link: &str) -> Value {
    agent.wait_for_since(mark, &format!("{notice} of {link}"), |line| {
        line["notice"] == notice && line["publisher"] == link && line["topic"].is_null()
    })
}

/// The state of a link in the agent's status.
fn state(folder: &Folder, link: &str) -> Option<String> {
    let status = folder.status("agent");
    let peers = status.pointer("/parts/network/peers").and_then(Value::as_array).expect("peers");
    let peer = peers.iter().find(|peer| peer["endpoint"] == link)?;
    Some(peer["state"].as_str().expect("text").to_owned())
}

fn wait_for_state(folder: &Folder, link: &str, wanted: &str) {
    until(&format!("{link} is {wanted}"), || (state(folder, link)? == wanted).then_some(()));
}

fn keys(agent: &Program) -> Vec<String> {
    agent.events().iter().map(|event| event["key"].as_str().expect("a key").to_owned()).collect()
}

fn publish(folder: &Folder, key: &str) {
    folder.publish(&[event("lport", key, "create", "{}", "D")]);
}

#[test]
fn of_a_name_with_two_addresses_both_publishers_are_followed_and_each_is_stale_alone() {
    let (one, mut first, two, second) = two_services();
    let port = port(&second).to_owned();
    let agent = agent(&one, &port, &["127.0.0.1", "127.0.0.2"]);
    let links = ["127.0.0.1", "127.0.0.2"].map(|address| link(&port, address));
    links.iter().for_each(|link| drop(wait_for(&agent, 0, "live", link)));
    publish(&one, "of-first");
    publish(&two, "of-second");
    agent.wait_for_events(2);
    let mut came = keys(&agent);
    came.sort();
    assert_eq!(came, ["of-first", "of-second"]);
    let mark = agent.mark();
    first.kill();
    wait_for(&agent, mark, "stale", &links[0]);
    publish(&two, "of-second-alone");
    agent.wait_for_events(3);
    wait_for_state(&one, &links[0], "unreachable");
    assert_eq!(state(&one, &links[1]).as_deref(), Some("subscribed"));
    assert!(!agent.lines()[mark..].iter().any(|line| line["publisher"] == links[1].as_str()));
    let mark = agent.mark();
    drop(first);
    let _again = service_at(&one, "127.0.0.1", &port);
    wait_for(&agent, mark, "live", &links[0]);
    publish(&one, "of-first-again");
    agent.wait_for_events(4);
}

#[test]
fn an_address_that_appears_is_followed_and_one_that_disappears_is_left() {
    let (one, _first, two, second) = two_services();
    let port = port(&second).to_owned();
    let agent = agent(&one, &port, &["127.0.0.1"]);
    let links = ["127.0.0.1", "127.0.0.2"].map(|address| link(&port, address));
    wait_for(&agent, 0, "live", &links[0]);
    let mark = agent.mark();
    write_hosts(&one, &["127.0.0.1", "127.0.0.2"]);
    wait_for(&agent, mark, "address_added", &links[1]);
    wait_for(&agent, mark, "live", &links[1]);
    publish(&two, "of-second");
    agent.wait_for_events(1);
    let mark = agent.mark();
    write_hosts(&one, &["127.0.0.2"]);
    wait_for(&agent, mark, "resync", &links[0]);
    let reported: Vec<Value> = agent.lines().split_off(mark);
    let of_first = reported.iter().filter(|line| line["publisher"] == links[0].as_str());
    let names: Vec<&str> = of_first.map(|line| line["notice"].as_str().expect("a notice")).collect();
    assert_eq!(names, ["link_down", "stale", "address_removed", "resync"]);
    assert_eq!(state(&one, &links[0]), None);
    wait_for_state(&one, &format!("tcp://publishers.example:{port}"), "1 address");
    publish(&one, "nobody-hears-it");
    publish(&two, "of-second-again");
    agent.wait_for_events(2);
    assert_eq!(keys(&agent), ["of-second", "of-second-again"]);
}

#[test]
fn an_address_where_no_publisher_was_ever_heard_is_reported_and_makes_nothing_stale() {
    let folder = Folder::with_settings(QUICK);
    let service = folder.service();
    let port = port(&service).to_owned();
    let agent = agent(&folder, &port, &["127.0.0.1", "127.0.0.2"]);
    let (heard, refused) = (link(&port, "127.0.0.1"), link(&port, "127.0.0.2"));
    wait_for(&agent, 0, "live", &heard);
    wait_for_state(&folder, &refused, "unanswered");
    let log = agent.stderr();
    let reported =
        log.lines().filter(|line| line.contains(&refused) && line.contains("has not answered for 4s"));
    assert_eq!(reported.count(), 1, "{log}");
    publish(&folder, "port-1");
    agent.wait_for_events(1);
    assert!(!agent.notices().contains(&"stale".to_owned()), "{:?}", agent.notices());
    let status = folder.skimmer(&["status"]).set("state_dir", folder.state_dir("agent.state").display());
    let _ = status.run().expect(0);
}

#[test]
fn a_name_none_of_whose_addresses_was_ever_reached_is_stale_until_one_is() {
    let (one, mut first, _two, second) = two_services();
    let port = port(&second).to_owned();
    first.kill();
    drop(first);
    let agent = agent(&one, &port, &["127.0.0.1"]);
    let name = format!("tcp://publishers.example:{port}");
    wait_for(&agent, 0, "stale", &name);
    wait_for_state(&one, &name, "unreachable");
    let mark = agent.mark();
    write_hosts(&one, &["127.0.0.1", "127.0.0.2"]);
    wait_for(&agent, mark, "live", &link(&port, "127.0.0.2"));
    wait_for(&agent, mark, "live", &name);
    wait_for_state(&one, &name, "2 addresses");
}

#[test]
fn a_publisher_that_is_reached_by_two_addresses_is_followed_by_one_of_them() {
    let folder = Folder::with_settings(QUICK);
    let wildcard = folder
        .launch("publisher-service", "service")
        .set("publisher_bind_address", "0.0.0.0")
        .set("allow_unauthenticated", true);
    let service = Service::ready(wildcard.start());
    let port = port(&service).to_owned();
    let agent = agent(&folder, &port, &["127.0.0.1", "127.0.0.2"]);
    let links = ["127.0.0.1", "127.0.0.2"].map(|address| link(&port, address));
    let live = agent.wait_for_notice(0, "live");
    let followed = live["publisher"].as_str().expect("a publisher").to_owned();
    let other = links.iter().find(|link| **link != followed).expect("another address");
    wait_for_state(&folder, other, &format!("same publisher as {followed}"));
    for number in 0..100 {
        publish(&folder, &format!("port-{number}"));
        if number == 0 {
            agent.wait_for_events(1);
        }
    }
    agent.wait_for_events(100);
    assert_eq!(keys(&agent).len(), 100, "each comes once");
    let times = |name: &str| agent.notices().iter().filter(|notice| *notice == name).count();
    assert_eq!(["link_up", "subscribed", "link_down", "duplicate_publisher"].map(times), [1, 1, 0, 0]);
    let mark = agent.mark();
    let address = other.rsplit_once('/').expect("an address").1;
    write_hosts(&folder, &[address]);
    wait_for(&agent, mark, "live", other);
    publish(&folder, "over-the-other-address");
    agent.wait_for_events(101);
    assert_eq!(keys(&agent).last().map(String::as_str), Some("over-the-other-address"));
}
