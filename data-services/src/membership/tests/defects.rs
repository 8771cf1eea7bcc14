//! What went wrong in the control bus of Congress and its specification, one test for each.

use super::simulation::{Simulation, Wiring, entry_of};
use super::{ALL, seconds};
use crate::membership::{MembershipMessage, PeerState};

#[test]
fn c1_what_departed_or_crashed_does_not_live_for_ever() {
    for wiring in ALL {
        let mut simulation = Simulation::of(wiring, 4, 1);
        simulation.settle();
        simulation.act(2, |membership, _, effects| membership.leave(effects));
        simulation.crash(2);
        simulation.crash(3);
        simulation.run(seconds(7));
        for service in ["service-2", "service-3"] {
            assert_eq!(simulation.hosts(0, service), [], "{wiring:?}: {service}");
        }
        // What others know does not bring it back.
        simulation.start("n4", &["tcp://h0:1"]);
        simulation.run(seconds(30));
        assert!(!simulation.was(4, 2, PeerState::Up) && !simulation.was(4, 3, PeerState::Up), "{wiring:?}");
        assert_eq!(simulation.hosts(4, "service-3"), [], "{wiring:?}");
    }
}

#[test]
fn c2_lost_changes_are_repaired() {
    for wiring in ALL {
        let mut simulation = Simulation::of(wiring, 5, 2);
        simulation.settle();
        // No change arrives by itself.
        simulation.loses = Box::new(|_, _, message| matches!(message, MembershipMessage::Entry { .. }));
        for place in 0..5 {
            simulation
                .act(place, |membership, _, effects| {
                    membership.set_entry(entry_of(&format!("new-{place}")), effects)
                })
                .unwrap();
        }
        simulation.run(seconds(1));
        assert!(simulation.hosts(0, "new-1").is_empty(), "{wiring:?}");
        simulation.loses = Box::new(|_, _, _| false);
        let time = simulation.settle();
        assert!(time < seconds(3), "{wiring:?}: {time:?}");
    }
}

#[test]
fn c3_a_newcomer_causes_no_storm() {
    for wiring in ALL {
        let mut simulation = Simulation::of(wiring, 30, 3);
        simulation.settle();
        simulation.run(seconds(10));
        simulation.network.forget_counts();
        simulation.start("newcomer", &["tcp://h0:1"]);
        simulation.settle();
        simulation.run(seconds(10));
        let mut kinds = simulation.network.kinds();
        kinds.remove("heartbeat");
        println!("{wiring:?}: {kinds:?}");
        let directed = kinds.values().sum::<u64>();
        assert!(directed <= 30 * 8, "{wiring:?}: {kinds:?}");
        assert!(kinds["page"] <= 3, "{wiring:?}: {kinds:?}");
    }
}

#[test]
fn c4_two_nodes_of_one_name_are_reported_and_one_stays() {
    let mut simulation = Simulation::of(Wiring::Mesh, 3, 4);
    simulation.settle();
    let newcomer = simulation.start("n2", &["tcp://h0:1"]);
    simulation.run(seconds(5));
    assert!(simulation.refusal(newcomer).is_some() && simulation.is_complete(&[0, 1, 2]));
}

#[test]
fn d1_services_of_a_dead_node_end_within_6_s() {
    for wiring in ALL {
        let mut simulation = Simulation::of(wiring, 3, 5);
        simulation.settle();
        simulation.crash(1);
        let time = simulation.run_until(seconds(6), "its service is listed", |simulation| {
            [0, 2].iter().all(|at| simulation.hosts(*at, "service-1").is_empty())
        });
        assert!(time >= seconds(3), "{wiring:?}: {time:?}");
    }
}

#[test]
fn d4_twins_are_not_mistaken_for_an_echo_and_a_restart_is_another_instance() {
    for wiring in ALL {
        let mut simulation = Simulation::of(wiring, 2, 6);
        simulation.settle();
        let twin = simulation.start("n1", &["tcp://h0:1"]);
        simulation.run_until(seconds(5), "the twin is not refused", |simulation| {
            simulation.refusal(twin).is_some()
        });
        simulation.crash(twin);
        simulation.crash(1);
        simulation.run(seconds(1));
        let again = simulation.start_at("n1", "tcp://h1:1", 3_000_000, &["tcp://h0:1"]);
        simulation.settle();
        assert_ne!(simulation.nodes[again].me.instance, simulation.nodes[1].me.instance);
        assert_eq!(simulation.state(0, 1), Some(PeerState::Left), "{wiring:?}");
    }
}

#[test]
fn d5_bodies_are_not_broadcast_periodically_or_for_each_newcomer() {
    let mut simulation = Simulation::of(Wiring::Broker, 20, 7);
    simulation.settle();
    simulation.run(seconds(10));
    simulation.network.forget_counts();
    simulation.start("newcomer", &[]);
    simulation.settle();
    simulation.run(seconds(10));
    // Its own entry to each of the others; theirs come in the page of one of them.
    let kinds = simulation.network.kinds();
    assert!(kinds["entry"] <= 20 + 4, "{kinds:?}");
    assert_eq!(kinds["pull"], kinds["page"], "{kinds:?}");
}
