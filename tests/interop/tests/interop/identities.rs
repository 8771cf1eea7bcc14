use end_to_end::event;
use interop::{RawSubscriber, Receiver, Says, Sender, fields, prove};
use serde_json::Value;

use crate::cases::{Case, cases};
use crate::drivers::Drivers;
use crate::installation::{Installation, dropped};

pub(crate) const CASES: &[Case] =
    cases![two_nodes_of_one_identity_are_both_served, two_workers_of_one_identity_are_both_served,];

/// libzmq sends a peer the identity of a DEALER, and of no type that Dragonflow uses; `zeromq` serves no DEALER.
pub(crate) const OF_ZMTP: &[Case] = cases![
    two_dealers_of_one_identity_in_place_of_push_are_both_served,
    subscribers_with_the_same_identity_are_both_served,
];

const TWIN: [&str; 2] = ["--identity", "twin"];

fn events(name: &str) -> Vec<Value> {
    (0..200).map(|n| event("lport", &format!("{name}-{n}"), "set", "v", "D")).collect()
}

fn two_nodes_of_one_identity_are_both_served(drivers: Drivers) {
    let Installation { folder, service, mut worker, node } = Installation::new(drivers);
    let one = Receiver::sub_asked(&folder, "one", &TWIN, service.network(), &["D"]);
    let two = Receiver::sub_asked(&folder, "two", &TWIN, service.network(), &["D"]);
    prove(&mut worker, "D", &one);
    prove(&mut worker, "D", &two);
    let sent = events("k");
    sent.iter().for_each(|event| worker.send(event));
    for node in [&one, &two, &node] {
        let came: Vec<Value> = node.wait_for_own(sent.len()).iter().map(fields).collect();
        assert_eq!(came, sent);
        node.assert_undisturbed();
    }
    assert!(dropped(&folder, "service").is_empty());
}

fn two_workers_of_one_identity_are_both_served(drivers: Drivers) {
    assert_both_workers_served(drivers, &TWIN);
}

fn two_dealers_of_one_identity_in_place_of_push_are_both_served(drivers: Drivers) {
    assert_both_workers_served(drivers, &["--type", "DEALER", "--identity", "twin"]);
}

fn subscribers_with_the_same_identity_are_both_served(drivers: Drivers) {
    let Installation { folder, service, mut worker, node: _node } = Installation::new(drivers);
    let connect = || RawSubscriber::connect(service.address(), 1, Says::Commands, "twin");
    let mut twins = [connect(), connect()];
    for twin in &mut twins {
        twin.subscribe("D");
        twin.prove(&mut worker, "D");
    }
    worker.send(&event("lport", "end", "set", "v", "D"));
    for twin in &mut twins {
        assert_eq!(twin.topics_until("end"), ["D"]);
    }
    assert!(dropped(&folder, "service").is_empty());
}

/// Both send all the time, in turns, and each is complete and in order.
#[track_caller]
fn assert_both_workers_served(drivers: Drivers, asked: &[&str]) {
    let Installation { folder, service: _service, worker: _, node } = Installation::new(drivers);
    let mut workers = ["one", "two"].map(|name| (name, Sender::push_asked(&folder, name, asked)));
    for number in 0..200 {
        for (name, worker) in &mut workers {
            worker.send(&events(name)[number]);
        }
    }
    let came: Vec<Value> = node.wait_for_own(2 * 200).iter().map(fields).collect();
    for (name, worker) in &mut workers {
        let prefix = format!("{name}-");
        let of_worker = |event: &&Value| event["key"].as_str().is_some_and(|key| key.starts_with(&prefix));
        assert!(came.iter().filter(of_worker).eq(&events(name)), "{name}: complete and in order");
        worker.finish();
    }
    node.assert_undisturbed();
    assert!(dropped(&folder, "service").is_empty());
}
