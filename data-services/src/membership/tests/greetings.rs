use std::time::Duration;

use super::seconds;
use super::simulation::{Simulation, Wiring};
use crate::membership::{Membership, MembershipEffect, MembershipMessage, MembershipOptions, PeerState};
use crate::packet::{Destination, Message, Outgoing};
use crate::{Instance, NodeId, NodeInstance};

const SEED: &[&str] = &["tcp://h0:1"];

/// Returns the confirmed heartbeat of the probe that a greeting sends.
fn greet(simulation: &mut Simulation, at: usize, listener: usize) -> u64 {
    let instance = simulation.nodes[listener].me.instance;
    let now = simulation.now;
    let mut effects = Vec::new();
    simulation.nodes[at].membership.greet(now, instance, &mut effects);
    let probe = effects.iter().find_map(|effect| match effect {
        MembershipEffect::Send(Outgoing {
            to,
            message: Message::Membership(MembershipMessage::Probe { beat, .. }),
        }) => Some((to.clone(), *beat)),
        _ => None,
    });
    let (to, beat) = probe.expect("a probe");
    assert_eq!(to, Destination::Instance(instance));
    beat
}

#[test]
fn nodes_that_connect_are_up_at_each_other_without_any_heartbeat() {
    for seed in 0..20 {
        let mut simulation = Simulation::new(Wiring::Mesh, seed);
        simulation.loses = Box::new(|_, _, message| matches!(message, MembershipMessage::Heartbeat(_)));
        for number in 0..4 {
            simulation.start(&format!("n{number}"), SEED);
        }
        let time = simulation.settle();
        assert!(time < seconds(1), "seed {seed}: {time:?}");
    }
}

#[test]
fn a_lost_greeting_is_repaired_by_heartbeats() {
    let mut simulation = Simulation::new(Wiring::Mesh, 1);
    // Every probe of the first second.
    simulation.loses =
        Box::new(|_, _, message| matches!(message, MembershipMessage::Probe { beat: 0..=1, .. }));
    for number in 0..4 {
        simulation.start(&format!("n{number}"), SEED);
    }
    simulation.settle();
}

#[test]
fn a_greeting_confirms_only_a_node_that_is_heard() {
    let mut simulation = Simulation::of(Wiring::Mesh, 2, 1);
    assert_eq!(greet(&mut simulation, 0, 1), 0, "it has just started");
    simulation.settle();
    assert!(greet(&mut simulation, 0, 1) > 0);
    simulation.network.cut_one_way(1, 0);
    simulation.run(seconds(4));
    assert_eq!(greet(&mut simulation, 0, 1), 0, "it is silent");
}

#[test]
fn a_greeting_does_not_confirm_a_node_whose_id_is_in_use() {
    let mut simulation = Simulation::of(Wiring::Mesh, 3, 2);
    simulation.settle();
    let twin = simulation.start_at("n2", "tcp://other:1", 1, SEED);
    simulation.run_until(seconds(5), "it is not refused", |simulation| simulation.refusal(twin).is_some());
    for at in 0..3 {
        assert_eq!(greet(&mut simulation, at, twin), 0, "at {at}");
        assert!(!simulation.was(at, twin, PeerState::Up), "at {at}");
    }
}

#[test]
fn a_node_that_is_connected_after_an_announcement_learns_of_those_that_were_announced() {
    let mut simulation = Simulation::new(Wiring::Mesh, 3);
    simulation.start("seed", &[]);
    let early = simulation.start("early", SEED);
    simulation.network.link_delay = (seconds(2), seconds(2));
    let late = simulation.start("late", SEED);
    simulation.run(Duration::from_millis(2100));
    // Neither heartbeats nor pulls: each would bring it, later.
    let known = simulation.state(late, early);
    assert!(known.is_some(), "{}", simulation.table());
}

#[test]
fn cards_that_do_not_fit_into_one_message_take_more() {
    let node = |number: u64| NodeInstance {
        node: NodeId::new(format!("n{number}")).unwrap(),
        instance: Instance::of(number),
        boot: number,
    };
    let (own, seeds, options) = (Some("tcp://h1:1".to_owned()), Vec::new(), MembershipOptions::default());
    let mut one = Membership::new(node(1), own, seeds, options, fastrand::Rng::with_seed(1));
    let mut effects = Vec::new();
    one.start(Duration::ZERO, &mut effects);
    let now = Duration::from_millis(1);
    for number in 2..1_600 {
        let heartbeat = crate::membership::message::Heartbeat {
            beat: 1,
            endpoint: Some(format!("tcp://h{number}:1")),
            ..Default::default()
        };
        let introduction =
            MembershipMessage::Introduction { to: "tcp://h1:1".to_owned(), heartbeat: Box::new(heartbeat) };
        one.received(now, &node(number), introduction, &mut effects);
    }
    effects.clear();
    one.tick(seconds(1), Vec::new, &mut effects);
    let cards: Vec<usize> = effects
        .iter()
        .filter_map(|effect| match effect {
            MembershipEffect::Send(Outgoing {
                message: Message::Membership(MembershipMessage::Newcomers(cards)),
                ..
            }) => Some(cards.len()),
            _ => None,
        })
        .collect();
    assert_eq!(cards, [1_000, 598]);
}
