use std::time::Duration;

use super::seconds;
use super::simulation::{Simulation, Wiring};
use crate::bus_adapter::MAX_INTRODUCTION_BYTES;
use crate::membership::announcements::MAX_DEAF_TO;
use crate::membership::message::Heartbeat;
use crate::membership::{
    MAX_PEERS, Membership, MembershipEffect, MembershipMessage, MembershipOptions, PeerState,
};
use crate::{Instance, MAX_NAME_BYTES, NodeEntry, NodeId, NodeInstance, ServiceEntry, ServiceId};

fn node(number: u64) -> NodeInstance {
    NodeInstance {
        node: NodeId::new(format!("n{number}")).unwrap(),
        instance: Instance::of(number),
        boot: number,
    }
}

/// A running node 1 on a broker, at the time 0.
fn running() -> Membership {
    let options = MembershipOptions::default();
    let mut one = Membership::new(node(1), None, Vec::new(), options, fastrand::Rng::with_seed(1));
    one.start(Duration::ZERO, &mut Vec::new());
    one
}

fn heartbeat(beat: u64) -> MembershipMessage {
    MembershipMessage::Heartbeat(Box::new(Heartbeat { beat, ..Heartbeat::default() }))
}

#[test]
fn the_number_of_known_nodes_is_bounded() {
    let mut one = running();
    let mut effects = Vec::new();
    for number in 0..MAX_PEERS as u64 + 10 {
        one.received(Duration::ZERO, &node(number + 2), heartbeat(1), &mut effects);
    }
    assert_eq!(one.registry().peers().count(), MAX_PEERS);
    let ignored = |effect: &&MembershipEffect| matches!(effect, MembershipEffect::Ignored { .. });
    assert_eq!(effects.iter().filter(ignored).count(), 10);
    // Those that are gone make room.
    one.received(seconds(1), &node(2), MembershipMessage::Goodbye, &mut effects);
    one.received(seconds(1), &node(9_999), heartbeat(1), &mut effects);
    assert_eq!(one.registry().state_of(Instance::of(9_999)), Some(PeerState::Joining));
    assert_eq!(one.registry().state_of(Instance::of(2)), None);
}

#[test]
fn the_largest_introduction_fits_into_a_request_of_the_drivers() {
    let name = "n".repeat(MAX_NAME_BYTES);
    let me =
        NodeInstance { node: NodeId::new(name).unwrap(), instance: Instance::of(u64::MAX), boot: u64::MAX };
    let endpoint = |host: &str| format!("tcp://{}:65535", host.repeat(253));
    let (own, seed) = (endpoint("o"), endpoint("s"));
    let rng = fastrand::Rng::with_seed(1);
    let mut one = Membership::new(me.clone(), Some(own), vec![seed], MembershipOptions::default(), rng);
    let mut effects = Vec::new();
    one.start(Duration::ZERO, &mut effects);
    for number in 1..=MAX_PEERS as u64 {
        one.received(Duration::ZERO, &node(u64::MAX - number), heartbeat(1), &mut effects);
    }
    effects.clear();
    // All peers are silent, and none of them is down yet.
    one.tick(seconds(4), Vec::new, &mut effects);
    let introductions: Vec<_> = effects
        .into_iter()
        .filter_map(|effect| match effect {
            MembershipEffect::Introduce { message, .. } => Some(message),
            _ => None,
        })
        .collect();
    let largest = introductions.iter().map(|message| rmp_serde::to_vec(&(&me, message)).unwrap().len()).max();
    let largest = largest.expect("the seed is due");
    assert!(largest > 9 * MAX_DEAF_TO, "the largest has {largest} bytes");
    assert!(largest < MAX_INTRODUCTION_BYTES / 4, "the largest has {largest} bytes");
}

#[test]
fn an_entry_that_is_too_large_is_refused_and_the_old_one_stays() {
    let mut one = running();
    let service = |number| (ServiceId::new(format!("{number:0100}")).unwrap(), ServiceEntry::default());
    let entry = NodeEntry { services: (0..3000).map(service).collect(), ..NodeEntry::default() };
    let mut effects = Vec::new();
    assert!(one.set_entry(entry, &mut effects).is_err() && effects.is_empty());
    assert_eq!(one.registry().entry_of(Instance::of(1)), Some(&NodeEntry::default()));
}

#[test]
fn a_late_confirmation_does_not_count() {
    let mut one = running();
    let mut effects = Vec::new();
    for beat in 1..20 {
        one.received(seconds(beat), &node(2), heartbeat(beat), &mut effects);
        one.tick(seconds(beat) + seconds(1), Vec::new, &mut effects);
    }
    one.received(seconds(21), &node(2), MembershipMessage::Confirm { beat: 1 }, &mut effects);
    one.received(seconds(21), &node(2), MembershipMessage::Confirm { beat: 1_000 }, &mut effects);
    assert_eq!(one.registry().state_of(Instance::of(2)), Some(PeerState::Joining));
    one.received(seconds(21), &node(2), MembershipMessage::Confirm { beat: one.beat }, &mut effects);
    assert_eq!(one.registry().state_of(Instance::of(2)), Some(PeerState::Up));
}

#[test]
fn another_packet_is_a_sign_of_life() {
    let mut simulation = Simulation::of(Wiring::Broker, 2, 1);
    simulation.settle();
    simulation.loses = Box::new(|_, _, _| true);
    let source = simulation.nodes[1].me.clone();
    for _ in 0..20 {
        simulation.run(seconds(1));
        simulation.act(0, |membership, now, effects| membership.heard(now, &source, effects));
    }
    assert_eq!(simulation.state(0, 1), Some(PeerState::Up));
    assert_eq!(simulation.state(1, 0), Some(PeerState::Down));
}

#[test]
fn a_reset_of_the_links_makes_the_heartbeat_due_at_once() {
    let mut one = running();
    let now = Duration::from_millis(300);
    assert!(one.deadline() > now);
    one.links_reset(now);
    assert_eq!(one.deadline(), now);
    let mut effects = Vec::new();
    one.tick(now, Vec::new, &mut effects);
    assert!(format!("{effects:?}").contains("Heartbeat"), "{effects:?}");
}

#[test]
fn links_that_begin_make_no_heartbeat_due() {
    let mut one = running();
    let (mut beats, mut effects) = (0, Vec::new());
    for now in (0..10_000).step_by(10).map(Duration::from_millis) {
        one.link_reset(now, "tcp://127.0.0.1:1");
        one.tick(now, Vec::new, &mut effects);
        beats += format!("{effects:?}").matches("Heartbeat {").count();
        effects.clear();
    }
    assert!((9..=11).contains(&beats), "{beats} heartbeats in 10 s");
}

#[test]
fn a_link_that_returns_concerns_the_node_at_its_end_only() {
    let mut one = running();
    for number in [2, 3] {
        let endpoint = Some(format!("tcp://127.0.0.1:{number}"));
        let heartbeat = Heartbeat { beat: 1, endpoint, ..Heartbeat::default() };
        let message = MembershipMessage::Heartbeat(Box::new(heartbeat));
        one.received(Duration::ZERO, &node(number), message, &mut Vec::new());
    }
    assert_eq!(one.link_reset(seconds(1), "tcp://127.0.0.1:3"), [Instance::of(3)]);
    assert_eq!(one.link_reset(seconds(1), "tcp://127.0.0.1:4"), []);
}

#[test]
fn a_node_that_left_does_nothing_more() {
    let mut one = running();
    let mut effects = Vec::new();
    one.leave(&mut effects);
    assert_eq!(effects.len(), 1);
    effects.clear();
    one.received(seconds(1), &node(2), heartbeat(1), &mut effects);
    one.tick(seconds(9), Vec::new, &mut effects);
    one.leave(&mut effects);
    assert!(effects.is_empty() && one.deadline() == Duration::MAX);
}
