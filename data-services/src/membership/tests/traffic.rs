use super::simulation::{Simulation, Wiring};
use super::{ALL, seconds};
use crate::membership::message::Heartbeat;
use crate::membership::{MembershipEffect, MembershipMessage};
use crate::packet::{Message, Packet};

#[test]
fn the_only_periodic_message_is_the_heartbeat() {
    for wiring in ALL {
        let mut simulation = Simulation::of(wiring, 10, 1);
        simulation.settle();
        simulation.run(seconds(20));
        simulation.network.forget_counts();
        simulation.run(seconds(60));
        let kinds = simulation.network.kinds();
        assert_eq!(kinds.keys().copied().collect::<Vec<_>>(), ["heartbeat"], "{wiring:?}: {kinds:?}");
        let each = kinds["heartbeat"] / (10 * 9);
        assert!((55..=66).contains(&each), "{wiring:?}: {each} heartbeats of each node in a minute");
    }
}

#[test]
fn a_heartbeat_does_not_grow_with_the_number_of_nodes() {
    let size = |nodes: usize| {
        let mut simulation = Simulation::of(Wiring::Mesh, nodes, 8);
        simulation.settle();
        let now = simulation.now + seconds(2);
        let mut effects = Vec::new();
        simulation.nodes[1].membership.tick(now, Vec::new, &mut effects);
        let source = simulation.nodes[1].me.clone();
        let heartbeat = effects.into_iter().find_map(|effect| match effect {
            MembershipEffect::Send(outgoing) => match &outgoing.message {
                Message::Membership(MembershipMessage::Heartbeat(_)) => Some(outgoing.message),
                _ => None,
            },
            _ => None,
        });
        rmp_serde::to_vec(&Packet { source, message: heartbeat.unwrap() }).unwrap().len()
    };
    let sizes = [10, 100].map(size);
    println!("a heartbeat with 10 and with 100 nodes: {sizes:?} bytes");
    assert!(sizes[1] <= sizes[0] + 10 && sizes[1] <= 120, "{sizes:?}");
    assert!(rmp_serde::to_vec(&Heartbeat::default()).unwrap().len() <= 10);
}
