//! CURVE with libzmq at the other end of the network hop: its SUB at our publisher, and our agent at its PUB.

use std::fs::{rename, write};

use drivers_zmtp::{read_key_file, write_key_file};
use end_to_end::{Folder, Program, Service, counters, event, fixed_port, until};
use interop::{Receiver, Sender, fields, prove};
use serde_json::Value;

use crate::cases::{Case, cases};
use crate::drivers::Drivers;
use crate::installation::events_of;

pub(crate) const CASES: &[Case] = cases![
    nodes_with_an_authorized_key_are_served_over_restarts_with_the_same_and_with_another_key,
    a_node_whose_key_is_refused_is_served_once_it_is_added_and_no_longer_once_it_is_removed,
    our_agent_follows_a_foreign_publisher_over_restarts_with_the_same_and_with_another_key,
    values_of_all_lengths_pass_in_both_directions,
    heartbeats_of_both_ends_keep_an_idle_connection,
    nodes_of_either_mechanism_are_served_once_the_service_has_theirs,
    a_node_receives_the_topics_of_its_key_and_none_that_its_subscriptions_only_begin,
];

/// Keys in the folder of an installation.
struct Keys {
    folder: Folder,
}

impl Keys {
    /// An installation with CURVE, in which nobody but `agents` may connect.
    fn new(drivers: Drivers, agents: &[&str], more: &str) -> Self {
        // The folder of the settings is not known before it is made: file names are relative to it.
        let folder = drivers
            .folder_with(&format!("dead_after = \"10s\"\n[drivers.zmtp]\nmechanism = \"curve\"\n{more}"));
        let keys = Self { folder };
        for name in ["publisher", "agent", "other"].iter().chain(agents) {
            let path = keys.path(name);
            if !path.exists() {
                write_key_file(&path).expect("a key");
            }
        }
        keys.authorize(agents);
        keys
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(format!("{name}.key"))
    }

    fn public(&self, name: &str) -> String {
        read_key_file(&self.path(name)).expect("a key").public().to_string()
    }

    fn secret(&self, name: &str) -> String {
        read_key_file(&self.path(name)).expect("a key").to_text().to_string()
    }

    /// From now on these may connect, each a name, and any rights after it.
    fn authorize(&self, agents: &[&str]) {
        let line = |agent: &&str| {
            let (name, rights) = agent.split_once(' ').unwrap_or((agent, ""));
            format!("{name} {} {rights}\n", self.public(name))
        };
        let lines: String = agents.iter().map(line).collect();
        let (next, path) = (self.folder.path().join("next"), self.folder.path().join("agents"));
        write(&next, lines).expect("the file of agents");
        rename(next, path).expect("the file of agents");
    }

    /// A service on this port, with this key.
    fn service(&self, port: u16, key: &str) -> Service {
        let service = self.folder.launch("publisher-service", "service").set("publisher_port", port);
        let service = service.set("drivers.zmtp.publisher_key_file", self.path(key).display());
        let agents = self.folder.path().join("agents");
        Service::ready(service.set("drivers.zmtp.authorized_agents_file", agents.display()).start())
    }

    /// A service on this port with the other mechanism.
    fn service_of_null(&self, port: u16) -> Service {
        let service = self.folder.launch("publisher-service", "service").set("publisher_port", port);
        Service::ready(service.set("drivers.zmtp.mechanism", "null").start())
    }

    /// An agent that expects the key of `publisher`.
    fn agent(&self, address: &str, publisher: &str) -> Program {
        let agent = self.folder.agent_launch("agent", address).args(["--pattern", "#"]);
        let agent = agent.set("drivers.zmtp.agent_key_file", self.path("agent").display());
        let pinned = format!("{address}#{}", self.public(publisher));
        let agent = agent.set("drivers.zmtp.publisher_keys", pinned).start();
        agent.wait_for_notice(0, "ready");
        agent
    }

    /// A libzmq node with this key, which expects that of `publisher`.
    fn node(&self, name: &str, more: &[&str], keys: (&str, &str), endpoint: &str) -> Receiver {
        self.node_of(name, more, keys, endpoint, &["D"])
    }

    fn node_of(
        &self,
        name: &str,
        more: &[&str],
        (own, publisher): (&str, &str),
        endpoint: &str,
        topics: &[&str],
    ) -> Receiver {
        let (secret, server) = (self.secret(own), self.public(publisher));
        let curve = ["--mechanism=CURVE", &format!("--secret={secret}"), &format!("--server-key={server}")];
        Receiver::sub_asked(&self.folder, name, &[&curve[..], more].concat(), endpoint, topics)
    }

    fn publisher(&self, name: &str, key: &str, more: &[&str], address: &str) -> Sender {
        let curve = ["--mechanism=CURVE", &format!("--secret={}", self.secret(key))];
        Sender::publisher_asked_at(&self.folder, name, &[&curve[..], more].concat(), address)
    }

    fn refused(&self, name: &str, wanted: &str) -> u64 {
        let all = counters(&self.folder.status(name), "network", "peers_refused");
        all.iter().filter(|(cause, _)| cause == wanted).map(|(_, count)| count).sum()
    }
}

fn events(name: &str, count: usize) -> Vec<Value> {
    (0..count).map(|n| event("lport", &format!("{name}-{n}"), "set", "v", "D")).collect()
}

fn nodes_with_an_authorized_key_are_served_over_restarts_with_the_same_and_with_another_key(
    drivers: Drivers,
) {
    let keys = Keys::new(drivers, &["node"], "");
    let port = fixed_port();
    let endpoint = format!("tcp://127.0.0.1:{port}");
    let mut service = keys.service(port, "publisher");
    let mut worker = Sender::push(&keys.folder, "push");
    let node = keys.node("sub", &[], ("node", "publisher"), &endpoint);
    for round in 0..2 {
        prove(&mut worker, "D", &node);
        let mark = node.own().len();
        let sent = events(&format!("round-{round}"), 300);
        sent.iter().for_each(|event| worker.send(event));
        let came: Vec<Value> = node.wait_for_own(mark + 300).iter().skip(mark).map(fields).collect();
        assert_eq!(came, sent);
        service.kill();
        service = keys.service(port, "publisher");
    }
    service.kill();
    service = keys.service(port, "other");
    until("a refusal of the node that expects the first key", || {
        (keys.refused("service", "curve_bad_hello") >= 2).then_some(())
    });
    service.kill();
    let _service = keys.service(port, "publisher");
    prove(&mut worker, "D", &node);
    node.assert_undisturbed();
}

fn a_node_whose_key_is_refused_is_served_once_it_is_added_and_no_longer_once_it_is_removed(drivers: Drivers) {
    let keys = Keys::new(drivers, &["node"], "");
    let port = fixed_port();
    let endpoint = format!("tcp://127.0.0.1:{port}");
    let service = keys.service(port, "publisher");
    let mut worker = Sender::push(&keys.folder, "push");
    let node = keys.node("sub", &[], ("node", "publisher"), &endpoint);
    prove(&mut worker, "D", &node);
    let late = keys.node("late", &[], ("other", "publisher"), &endpoint);
    until("refusals", || (keys.refused("service", "curve_unknown_key") >= 3).then_some(()));
    let named = service.stderr();
    assert!(named.contains(&keys.public("other")), "the log has the key to be added: {named}");
    keys.authorize(&["node", "other"]);
    prove(&mut worker, "D", &late);
    keys.authorize(&["node"]);
    until("the end", || (keys.refused("service", "curve_key_removed") >= 1).then_some(()));
    let mark = late.lines().len();
    events("secret", 10).iter().for_each(|event| worker.send(event));
    node.wait_for_own(10);
    assert_eq!(late.lines().len(), mark, "nothing after its key was removed");
    node.assert_undisturbed();
}

fn a_node_receives_the_topics_of_its_key_and_none_that_its_subscriptions_only_begin(drivers: Drivers) {
    let keys = Keys::new(drivers, &["node"], "");
    let port = fixed_port();
    let endpoint = format!("tcp://127.0.0.1:{port}");
    keys.authorize(&["node topic=D topic=tenant-1 topic=a*", "other"]);
    let _service = keys.service(port, "publisher");
    let mut worker = Sender::push(&keys.folder, "push");
    let wanted = ["tenant-1", "tenant-", "a", "b", "$mark.", "D"];
    let node = keys.node_of("sub", &[], ("node", "publisher"), &endpoint, &wanted);
    let all = keys.node_of("all", &[], ("other", "publisher"), &endpoint, &["tenant-", "a", "b", "D"]);
    prove(&mut worker, "D", &node);
    prove(&mut worker, "D", &all);
    let (mark, mark_of_all) = (node.own().len(), all.own().len());
    let topics = ["tenant-10", "tenant-1", "tenant-2", "b", "a", "ab", "D"];
    let sent: Vec<Value> = topics.iter().map(|topic| event("lport", topic, "set", "v", topic)).collect();
    sent.iter().for_each(|event| worker.send(event));
    let came: Vec<Value> =
        all.wait_for_own(mark_of_all + topics.len()).iter().skip(mark_of_all).map(fields).collect();
    assert_eq!(came, sent);
    let came: Vec<Value> = node.wait_for_own(mark + 4).iter().skip(mark).map(fields).collect();
    let names: Vec<&str> = came.iter().filter_map(|event| event["key"].as_str()).collect();
    assert_eq!(names, ["tenant-1", "a", "ab", "D"]);
    assert!(
        node.lines().iter().all(|line| !line.to_string().contains("$mark.tenant-2")),
        "and no mark of another topic"
    );
    let status = keys.folder.status("service");
    assert_eq!(counters(&status, "network", "subscriptions_refused"), [("topic_right".to_owned(), 2)]);
    node.assert_undisturbed();
}

fn our_agent_follows_a_foreign_publisher_over_restarts_with_the_same_and_with_another_key(drivers: Drivers) {
    let keys = Keys::new(drivers, &[], "");
    let address = format!("127.0.0.1:{}", fixed_port());
    let mut publisher = keys.publisher("pub", "publisher", &[], &address);
    let agent = keys.agent(&address, "publisher");
    prove(&mut publisher, "D", &agent);
    let sent = events("first", 300);
    sent.iter().for_each(|event| publisher.send(event));
    assert_eq!(events_of(&agent, 300), sent);
    publisher.kill();
    publisher = keys.publisher("another", "other", &[], &address);
    until("its refusal", || (keys.refused("agent", "curve_no_welcome") >= 2).then_some(()));
    assert!(agent.stderr().contains("publisher_keys"), "{}", agent.stderr());
    publisher.kill();
    publisher = keys.publisher("again", "publisher", &[], &address);
    prove(&mut publisher, "D", &agent);
}

/// Around the lengths at which frames, blocks of the cipher and reads change, and the largest.
const LENGTHS: [usize; 9] = [0, 20, 150, 200, 255, 256, 65_500, 70_000, 1_000_000];

fn values_of_all_lengths_pass_in_both_directions(drivers: Drivers) {
    let keys = Keys::new(drivers, &["node"], "");
    let sent: Vec<Value> = LENGTHS
        .iter()
        .map(|length| event("lport", &format!("k-{length}"), "set", "x".repeat(*length), "D"))
        .collect();
    let port = fixed_port();
    let service = keys.service(port, "publisher");
    let mut worker = Sender::push(&keys.folder, "push");
    let node = keys.node("sub", &[], ("node", "publisher"), &format!("tcp://127.0.0.1:{port}"));
    prove(&mut worker, "D", &node);
    sent.iter().for_each(|event| worker.send(event));
    let came: Vec<Value> = node.wait_for_own(LENGTHS.len()).iter().map(fields).collect();
    assert!(came == sent, "from our publisher");
    drop(service);

    let address = format!("127.0.0.1:{}", fixed_port());
    let mut publisher = keys.publisher("pub", "publisher", &[], &address);
    let agent = keys.agent(&address, "publisher");
    prove(&mut publisher, "D", &agent);
    sent.iter().for_each(|event| publisher.send(event));
    assert!(events_of(&agent, LENGTHS.len()) == sent, "from libzmq's");
}

fn heartbeats_of_both_ends_keep_an_idle_connection(drivers: Drivers) {
    const BEATS: [&str; 4] = ["--heartbeat", "200", "--dead-after", "4000"];
    let keys = Keys::new(drivers, &["node"], "heartbeat_interval = \"200ms\"");
    let port = fixed_port();
    let _service = keys.service(port, "publisher");
    let mut worker = Sender::push(&keys.folder, "push");
    let node = keys.node("sub", &BEATS, ("node", "publisher"), &format!("tcp://127.0.0.1:{port}"));
    prove(&mut worker, "D", &node);
    let address = format!("127.0.0.1:{}", fixed_port());
    let mut publisher = keys.publisher("pub", "publisher", &BEATS, &address);
    let agent = keys.agent(&address, "publisher");
    prove(&mut publisher, "D", &agent);
    let idle = std::time::Instant::now();
    // Longer than either end lets the other be silent.
    until("a time without events", || (idle.elapsed().as_secs() >= 12).then_some(()));
    let (own, foreign) = (event("lport", "own", "set", "v", "D"), event("lport", "foreign", "set", "v", "D"));
    worker.send(&own);
    publisher.send(&foreign);
    node.wait_for_key("own");
    assert_eq!(events_of(&agent, 1), [foreign]);
    assert!(!agent.notices().contains(&"link_down".to_owned()), "{:?}", agent.notices());
    assert_eq!(keys.refused("service", "dead"), 0);
}

/// What a change of a fleet does to genuine subscribers, in either direction: they are refused, and try again.
fn nodes_of_either_mechanism_are_served_once_the_service_has_theirs(drivers: Drivers) {
    let keys = Keys::new(drivers, &["node"], "");
    let port = fixed_port();
    let endpoint = format!("tcp://127.0.0.1:{port}");
    let refused = || {
        until("refusals", || (keys.refused("service", "wrong_mechanism") >= 3).then_some(()));
    };
    let mut service = keys.service_of_null(port);
    let mut worker = Sender::push(&keys.folder, "push");
    let of_null = Receiver::sub(&keys.folder, "null", &endpoint, &["D"]);
    prove(&mut worker, "D", &of_null);
    let of_curve = keys.node("curve", &[], ("node", "publisher"), &endpoint);
    refused();
    service.kill();
    service = keys.service(port, "publisher");
    prove(&mut worker, "D", &of_curve);
    refused();
    service.kill();
    let _service = keys.service_of_null(port);
    prove(&mut worker, "D", &of_null);
}
