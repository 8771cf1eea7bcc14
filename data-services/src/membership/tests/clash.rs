use super::simulation::{Simulation, Wiring};
use super::{ALL, seconds};
use crate::membership::PeerState;
use crate::membership::tests::network::Place;

const SEED: &[&str] = &["tcp://h0:1"];

/// Fails unless a node was refused with a text that names both.
fn assert_refused(simulation: &Simulation, newcomer: Place, keeper: Place) {
    let text = simulation.refusal(newcomer).expect("the newcomer is refused");
    for named in [keeper, newcomer] {
        assert!(text.contains(&simulation.nodes[named].me.instance.to_string()), "{text}");
    }
    assert!(text.contains(simulation.nodes[keeper].me.node.as_str()), "{text}");
    assert_eq!(simulation.refusal(keeper), None, "the other one stays");
}

#[test]
fn a_newcomer_with_the_id_of_a_member_is_refused() {
    // A later and an earlier time of start: clocks may differ. The member is the seed, or is not.
    for wiring in ALL {
        for (node, keeper) in [("n0", 0), ("n1", 1)] {
            for boot in [2_000_000, 1] {
                let mut simulation = Simulation::of(wiring, 3, 1);
                simulation.settle();
                let newcomer = simulation.start_at(node, "tcp://other:1", boot, SEED);
                simulation.run_until(seconds(5), "not refused", |simulation| {
                    simulation.refusal(newcomer).is_some()
                });
                assert_refused(&simulation, newcomer, keeper);
                simulation.crash(newcomer);
                simulation.run(seconds(10));
                assert!(simulation.is_complete(&[0, 1, 2]), "{wiring:?}, {node}, {boot}");
                for at in 0..3 {
                    assert!(!simulation.was(at, newcomer, PeerState::Up), "{wiring:?}: was up at {at}");
                    assert!(!simulation.was(at, keeper, PeerState::Suspect), "{wiring:?}: suspect at {at}");
                }
            }
        }
    }
}

#[test]
fn a_node_alone_keeps_its_id() {
    for wiring in ALL {
        let mut simulation = Simulation::new(wiring, 2);
        simulation.start("same", &[]);
        simulation.run(seconds(10));
        let newcomer = simulation.start("same", SEED);
        simulation.run(seconds(5));
        assert_refused(&simulation, newcomer, 0);
    }
}

#[test]
fn of_two_that_start_together_one_stays() {
    for wiring in ALL {
        for seed in 0..20 {
            let mut simulation = Simulation::new(wiring, seed);
            simulation.start("n0", &[]);
            simulation.start("same", SEED);
            simulation.start("same", SEED);
            simulation.run(seconds(10));
            let refused: Vec<Place> = (0..3).filter(|place| simulation.refusal(*place).is_some()).collect();
            assert_eq!(refused.len(), 1, "{wiring:?}, seed {seed}: {refused:?}");
            let stays = 3 - refused[0];
            assert_refused(&simulation, refused[0], stays);
            assert!(simulation.is_complete(&[0, stays]), "{wiring:?}, seed {seed}");
        }
    }
}

#[test]
fn of_two_that_were_up_apart_the_later_start_stays() {
    for wiring in ALL {
        for seed in 0..10 {
            let mut simulation = Simulation::of(wiring, 3, seed);
            simulation.settle();
            simulation.network.partition(&[0, 1], &[2, 3]);
            simulation.run(seconds(10));
            let later = simulation.start("n1", &["tcp://h2:1"]);
            simulation.run(seconds(10));
            assert!(simulation.is_complete(&[0, 1]) && simulation.is_complete(&[2, later]), "{wiring:?}");
            simulation.network.heal();
            simulation.run(seconds(20));
            assert_refused(&simulation, 1, later);
            simulation.crash(1);
            simulation.settle();
        }
    }
}

#[test]
fn twins_that_cannot_hear_each_other_are_settled_by_a_third() {
    for wiring in [Wiring::Broker, Wiring::Mesh] {
        let mut simulation = Simulation::of(wiring, 3, 4);
        simulation.settle();
        simulation.network.partition(&[1], &[3]);
        let newcomer = simulation.start("n1", SEED);
        simulation.run(seconds(5));
        assert_refused(&simulation, newcomer, 1);
    }
}
