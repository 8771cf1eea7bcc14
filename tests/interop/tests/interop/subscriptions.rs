use end_to_end::event;
use interop::{RawSubscriber, Receiver, Says, Sender, prove};

use crate::cases::{Case, cases};
use crate::drivers::Drivers;
use crate::installation::{Installation, dropped};

pub(crate) const CASES: &[Case] = cases![
    a_libzmq_node_that_subscribes_twice_keeps_its_topic_until_it_gives_it_up_twice,
    a_raw_frame_of_an_xsub_is_a_subscription,
];

/// The `zeromq` crate takes no commands.
pub(crate) const OF_ZMTP: &[Case] = cases![
    subscriptions_are_obeyed_in_each_form_that_a_version_of_zmtp_has,
    one_cancel_ends_a_prefix_that_was_subscribed_to_twice,
    a_libzmq_peer_is_not_sent_a_topic_that_it_subscribed_to_twice_and_gave_up_twice,
    a_proxy_with_xpub_verboser_is_not_sent_a_topic_that_its_nodes_have_given_up,
];

/// The forms that peers of today use. libzmq 4.3.5 sends commands to a peer of 3.1 and messages to one of 3.0; before
/// 4.3.3 it announced 3.1 and sent messages.
const FORMS: [(u8, Says); 3] = [(0, Says::Messages), (1, Says::Messages), (1, Says::Commands)];

#[track_caller]
fn send_on(worker: &mut Sender, topics: &[&str], last_key: &str) {
    for (number, topic) in topics.iter().enumerate() {
        let key = if number + 1 == topics.len() { last_key } else { "before" };
        worker.send(&event("lport", key, "set", "v", topic));
    }
}

fn subscriptions_are_obeyed_in_each_form_that_a_version_of_zmtp_has(drivers: Drivers) {
    let Installation { folder, service, mut worker, node: _node } = Installation::new(drivers);
    for (minor, says) in FORMS {
        let mut subscriber = RawSubscriber::connect(service.address(), minor, says, "");
        subscriber.subscribe("D");
        subscriber.subscribe("tenant-1");
        subscriber.prove(&mut worker, "tenant-1");
        send_on(&mut worker, &["tenant-2", "Demo", "tenant-10", "D"], "first-end");
        let topics = subscriber.topics_until("first-end");
        assert_eq!(topics, ["Demo", "tenant-10", "D"], "3.{minor}, {says:?}");
        subscriber.cancel("tenant-1");
        subscriber.subscribe("later");
        subscriber.prove(&mut worker, "later");
        send_on(&mut worker, &["tenant-1", "later", "D"], "second-end");
        let topics = subscriber.topics_until("second-end");
        assert_eq!(topics, ["later", "D"], "3.{minor}, {says:?}: what was given up stays away");
        subscriber.subscribe("");
        subscriber.prove(&mut worker, "anything");
    }
    assert!(dropped(&folder, "service").is_empty());
}

/// As a libzmq PUB does (4.3.5).
fn one_cancel_ends_a_prefix_that_was_subscribed_to_twice(drivers: Drivers) {
    let Installation { folder: _folder, service, mut worker, node: _node } = Installation::new(drivers);
    for (minor, says) in FORMS {
        let mut subscriber = RawSubscriber::connect(service.address(), minor, says, "");
        subscriber.subscribe("twice");
        subscriber.subscribe("twice");
        subscriber.subscribe("D");
        subscriber.prove(&mut worker, "D");
        send_on(&mut worker, &["twice", "D"], "before-the-cancel");
        let topics = subscriber.topics_until("before-the-cancel");
        assert_eq!(topics, ["twice", "D"], "3.{minor}, {says:?}: each event comes once");
        subscriber.cancel("twice");
        subscriber.subscribe("later");
        subscriber.prove(&mut worker, "later");
        send_on(&mut worker, &["twice", "D"], "after-the-cancel");
        let topics = subscriber.topics_until("after-the-cancel");
        assert_eq!(topics, ["D"], "3.{minor}, {says:?}");
    }
}

/// An XSUB shows its application all that arrives; a SUB filters it.
fn a_libzmq_peer_is_not_sent_a_topic_that_it_subscribed_to_twice_and_gave_up_twice(drivers: Drivers) {
    let Installation { folder, service, mut worker, node: _node } = Installation::new(drivers);
    let mut peer = Receiver::xsub(&folder, "xsub", service.network());
    for frame in [&b"\x01D"[..], b"\x01twice", b"\x01twice"] {
        peer.say_frames(&[frame]);
    }
    prove(&mut worker, "twice", &peer);
    for frame in [&b"\x00twice"[..], b"\x00twice", b"\x01later"] {
        peer.say_frames(&[frame]);
    }
    prove(&mut worker, "later", &peer);
    assert_only_the_second_arrives(&mut worker, &peer);
}

fn a_proxy_with_xpub_verboser_is_not_sent_a_topic_that_its_nodes_have_given_up(drivers: Drivers) {
    let Installation { folder, service, mut worker, node: _node } = Installation::new(drivers);
    let proxy = Receiver::verboser(&folder, "proxy", service.network());
    let ready = proxy.wait_for("its endpoint", |line| line["network"].is_string());
    let network = ready["network"].as_str().expect("it is text").to_owned();
    let mut nodes = ["one", "other"].map(|name| Receiver::sub(&folder, name, &network, &["D", "twice"]));
    for node in &nodes {
        prove(&mut worker, "twice", node);
    }
    for (node, later) in nodes.iter_mut().zip(["later", "last"]) {
        node.unsubscribe("twice");
        node.subscribe(later);
        prove(&mut worker, later, node);
    }
    assert_only_the_second_arrives(&mut worker, &proxy);
}

/// Of an event on `twice` and one on `D`.
#[track_caller]
fn assert_only_the_second_arrives(worker: &mut Sender, peer: &Receiver) {
    send_on(worker, &["twice", "D"], "end");
    peer.wait_for_key("end");
    let topics: Vec<_> = peer.own().iter().map(|line| line["topic"].clone()).collect();
    assert_eq!(topics, ["D"]);
}

/// libzmq sends each of two SUBSCRIBEs and, of two CANCELs, only the last.
fn a_libzmq_node_that_subscribes_twice_keeps_its_topic_until_it_gives_it_up_twice(drivers: Drivers) {
    let folder = drivers.folder();
    let service = folder.service();
    let mut worker = Sender::push(&folder, "push");
    let mut node = Receiver::sub(&folder, "sub", service.network(), &["D", "twice", "twice"]);
    prove(&mut worker, "twice", &node);
    for (round, later) in ["later", "last"].into_iter().enumerate() {
        node.unsubscribe("twice");
        node.subscribe(later);
        prove(&mut worker, later, &node);
        worker.send(&event("lport", &format!("twice-{round}"), "set", "v", "twice"));
        worker.send(&event("lport", &format!("end-{round}"), "set", "v", "D"));
        node.wait_for_key(&format!("end-{round}"));
    }
    let keys: Vec<_> = node.own().iter().map(|line| line["key"].clone()).collect();
    assert_eq!(keys, ["twice-0", "end-0", "end-1"]);
    node.assert_undisturbed();
}

fn a_raw_frame_of_an_xsub_is_a_subscription(drivers: Drivers) {
    let folder = drivers.folder();
    let service = folder.service();
    let mut worker = Sender::push(&folder, "push");
    let mut node = Receiver::xsub(&folder, "xsub", service.network());
    for frame in [&b"\x01D"[..], b"\x01other", b"\x00other", b"\x01tenant"] {
        node.say_frames(&[frame]);
    }
    prove(&mut worker, "tenant", &node);
    for (key, topic) in [("unwanted", "other"), ("wanted", "tenant"), ("end", "D")] {
        worker.send(&event("lport", key, "set", "v", topic));
    }
    node.wait_for_key("end");
    let keys: Vec<_> = node.own().iter().map(|line| line["key"].clone()).collect();
    assert_eq!(keys, ["wanted", "end"]);
}
