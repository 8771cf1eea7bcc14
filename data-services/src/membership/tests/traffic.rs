use super::simulation::{Simulation, Wiring};
use super::{BOTH, seconds};
use crate::membership::message::Heartbeat;
use crate::membership::{MembershipEffect, MembershipMessage};
use crate::packet::{Message, Packet};

#[test]
fn the_only_periodic_message_is_the_heartbeat() {
    for wiring in BOTH {
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

/// What the nodes of a mesh sent, each copy counted, from their common start until all were complete.
#[derive(Debug)]
struct Join {
    nodes: u64,
    mean_packets: u64,
    max_packets: u64,
    mean_bytes: u64,
    max_bytes: u64,
}

fn join(nodes: usize) -> Join {
    let mut simulation = Simulation::of(Wiring::Mesh, nodes, 7);
    let time = simulation.settle();
    let packets: Vec<u64> = (0..nodes).map(|place| simulation.network.packets_of(place)).collect();
    let bytes: Vec<u64> = simulation.network.bytes.values().copied().collect();
    println!("{nodes} nodes: complete after {time:?}: {:?}", simulation.network.kinds());
    let count = nodes as u64;
    Join {
        nodes: count,
        mean_packets: packets.iter().sum::<u64>() / count,
        max_packets: packets.into_iter().max().unwrap(),
        mean_bytes: bytes.iter().sum::<u64>() / count,
        max_bytes: bytes.into_iter().max().unwrap(),
    }
}

#[test]
fn the_traffic_of_a_join_grows_at_most_linearly_with_the_nodes() {
    let joins = [10, 50, 100].map(join);
    println!("{joins:#?}");
    let [ten, _, hundred] = &joins;
    for join in &joins {
        // Per other node: heartbeats, probe, confirmation, entry, and their repetitions.
        assert!(join.mean_packets < 15 * join.nodes, "{join:?}");
    }
    // Ten times the nodes: at most ten times the traffic of each, and a quarter for chance.
    assert!(hundred.mean_packets * 4 <= ten.mean_packets * 10 * 5, "{joins:?}");
    assert!(hundred.max_packets * 4 <= ten.max_packets * 10 * 5, "{joins:?}");
    assert!(hundred.mean_bytes * 4 <= ten.mean_bytes * 10 * 5, "{joins:?}");
    // Only the seed sends more: it announces each node to each other one, once.
    assert!(hundred.max_bytes < 512 * 1024, "{joins:?}");
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
