use std::time::Duration;

use super::simulation::{Simulation, Wiring};
use super::{ALL, seconds};
use crate::membership::PeerState;

const SEED: &[&str] = &["tcp://h0:1"];

#[test]
fn a_restart_after_a_goodbye_is_up_at_once() {
    for wiring in ALL {
        let mut simulation = Simulation::of(wiring, 3, 1);
        simulation.settle();
        simulation.act(1, |membership, _, effects| membership.leave(effects));
        simulation.crash(1);
        let again = simulation.start_at("n1", "tcp://h1:1", 2_000_000, SEED);
        let time = simulation.settle();
        assert!(time < seconds(2), "{wiring:?}: {time:?}");
        assert_eq!(simulation.state(0, 1), Some(PeerState::Left));
        assert_eq!(simulation.hosts(0, "service-1"), [], "{wiring:?}: services of the old instance");
        assert_eq!(simulation.hosts(0, &format!("service-{again}")), [simulation.nodes[again].me.instance]);
    }
}

#[test]
fn a_restart_after_a_crash_replaces_the_old_instance() {
    // On a mesh the endpoint shows that the old instance ended; without one, its silence does.
    for (wiring, endpoint, within) in [
        (Wiring::Mesh, "tcp://h1:1", seconds(2)),
        (Wiring::Mesh, "tcp://h1:2", seconds(6)),
        (Wiring::Broker, "", seconds(6)),
    ] {
        for seed in 0..10 {
            let mut simulation = Simulation::of(wiring, 3, seed);
            simulation.settle();
            simulation.run(seconds(5));
            simulation.crash(1);
            simulation.run(Duration::from_millis(300));
            let again = simulation.start_at("n1", endpoint, 2_000_000, SEED);
            let time = simulation.settle();
            assert!(time < within, "{wiring:?} {endpoint}: {time:?}");
            assert_eq!(simulation.refusal(again), None);
            for at in [0, 2] {
                assert_eq!(simulation.state(at, 1), Some(PeerState::Left), "{wiring:?} {endpoint}");
                assert_eq!(simulation.hosts(at, "service-1"), [], "{wiring:?} {endpoint}");
            }
            simulation.run(seconds(30));
            assert!(simulation.is_complete(&[0, 2, again]), "{wiring:?} {endpoint}");
        }
    }
}

#[test]
fn a_restart_with_an_earlier_clock_is_up_when_the_old_instance_is_down() {
    for wiring in ALL {
        let mut simulation = Simulation::of(wiring, 3, 3);
        simulation.settle();
        simulation.crash(1);
        simulation.run(seconds(1));
        simulation.start_at("n1", "tcp://h1:1", 1, SEED);
        let time = simulation.settle();
        assert!(time < seconds(8), "{wiring:?}: {time:?}");
    }
}
