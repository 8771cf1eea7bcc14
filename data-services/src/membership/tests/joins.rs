//! Many nodes that start together: what each of them sends until all know each other.

use std::time::Duration;

use super::seconds;
use super::simulation::{Simulation, Wiring};

/// The nodes of a mesh, each copy of a packet counted, from their common start until all were complete.
#[derive(Debug)]
struct Join {
    nodes: u64,
    time: Duration,
    mean_packets: u64,
    max_packets: u64,
    mean_bytes: u64,
    max_bytes: u64,
    introductions: u64,
}

/// Starts nodes together. Each connection carries packets within `link_delay`.
fn join(wiring: Wiring, nodes: usize, link_delay: Duration) -> Join {
    let mut simulation = Simulation::new(wiring, 7);
    simulation.network.link_delay.1 = link_delay;
    for number in 0..nodes {
        simulation.start(&format!("n{number}"), &["tcp://h0:1"]);
    }
    let time = simulation.settle();
    let packets: Vec<u64> = (0..nodes).map(|place| simulation.network.packets_of(place)).collect();
    let bytes: Vec<u64> = simulation.network.bytes.values().copied().collect();
    println!("{wiring:?}, {nodes} nodes: {time:?}, {:?}", simulation.network.kinds());
    let count = nodes as u64;
    Join {
        nodes: count,
        time,
        mean_packets: packets.iter().sum::<u64>() / count,
        max_packets: packets.into_iter().max().unwrap(),
        mean_bytes: bytes.iter().sum::<u64>() / count,
        max_bytes: bytes.into_iter().max().unwrap(),
        introductions: simulation.introductions,
    }
}

/// What a node may send for each node of the bus, on average.
struct Bound {
    packets: u64,
    bytes: u64,
    /// Introductions and welcomes, each a connection of its own: to the seed and from it, not for each pair.
    introductions: u64,
    /// The growth of the traffic of a node with four times the nodes, in per cent.
    growth: u64,
}

fn assert_linear(joins: &[Join; 3], bound: &Bound) {
    println!("{joins:#?}");
    for join in joins {
        assert!(join.mean_packets <= bound.packets * join.nodes, "{join:?}");
        assert!(join.mean_bytes <= bound.bytes * join.nodes, "{join:?}");
        assert!(join.introductions <= bound.introductions * join.nodes, "{join:?}");
        // Only the seed sends more than the others: it announces each node to each other one, once.
        assert!(join.max_packets <= 2 * bound.packets * join.nodes, "{join:?}");
        assert!(join.max_bytes <= bound.bytes * join.nodes + 50 * join.nodes * join.nodes, "{join:?}");
    }
    // Four times the nodes: four times the traffic of each, and something for chance.
    let [few, _, many] = joins;
    let grown = |few: u64| few * bound.growth / 100;
    assert!(many.mean_packets <= grown(few.mean_packets), "{joins:?}");
    assert!(many.max_packets <= grown(few.max_packets), "{joins:?}");
    assert!(many.mean_bytes <= grown(few.mean_bytes), "{joins:?}");
}

#[test]
fn the_traffic_of_a_join_grows_at_most_linearly_with_the_nodes() {
    let joins = [25, 50, 100].map(|nodes| join(Wiring::Mesh, nodes, Duration::from_millis(20)));
    // Of each pair, three messages and a pull of each entry; a heartbeat or two of each node.
    assert_linear(&joins, &Bound { packets: 4, bytes: 400, introductions: 2, growth: 500 });
    assert!(joins.iter().all(|join| join.time < seconds(1)), "nobody waits for a heartbeat");
}

/// As on a host with too few processors for all these connections.
#[test]
fn the_traffic_of_a_join_is_linear_when_connections_take_seconds() {
    let joins = [25, 50, 100].map(|nodes| join(Wiring::Mesh, nodes, seconds(3)));
    assert_linear(&joins, &Bound { packets: 9, bytes: 800, introductions: 15, growth: 550 });
    assert!(joins.iter().all(|join| join.time < seconds(7)), "{joins:?}");
}

#[test]
fn the_traffic_of_a_join_is_linear_with_a_driver_that_reports_no_connections() {
    let joins = [25, 50, 100].map(|nodes| join(Wiring::BlindMesh, nodes, Duration::from_millis(20)));
    assert_linear(&joins, &Bound { packets: 9, bytes: 800, introductions: 4, growth: 500 });
}
