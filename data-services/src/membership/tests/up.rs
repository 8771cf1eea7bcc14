use std::time::Duration;

use super::simulation::{Simulation, Wiring};
use crate::membership::PeerState;

const BOTH: [Wiring; 2] = [Wiring::Broker, Wiring::Mesh];

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[test]
fn nodes_find_each_other_and_their_entries() {
    for wiring in BOTH {
        let mut simulation = Simulation::of(wiring, 5, 1);
        simulation.settle();
        println!("{wiring:?}: {:?}", simulation.now - seconds(1000));
    }
}

#[test]
fn a_goodbye_is_left_at_once() {
    for wiring in BOTH {
        let mut simulation = Simulation::of(wiring, 3, 2);
        simulation.settle();
        simulation.act(2, |membership, _, effects| membership.leave(effects));
        simulation.crash(2);
        simulation.run(Duration::from_millis(10));
        for at in [0, 1] {
            assert_eq!(simulation.state(at, 2), Some(PeerState::Left), "{wiring:?}");
        }
        simulation.run(seconds(10));
        assert_eq!(simulation.state(0, 2), Some(PeerState::Left), "a late packet does not bring it back");
    }
}

#[test]
fn a_crash_is_down_within_5_s_and_one_heartbeat() {
    for wiring in BOTH {
        let mut simulation = Simulation::of(wiring, 3, 3);
        simulation.settle();
        simulation.run(seconds(7));
        simulation.crash(2);
        let time = simulation.run_until(seconds(6), "the crashed node is not down", |simulation| {
            [0, 1].iter().all(|at| simulation.state(*at, 2) == Some(PeerState::Down))
        });
        assert!(time > seconds(3), "{wiring:?}: down after only {time:?}");
        assert!(simulation.reported(0, 2, PeerState::Suspect).is_some());
    }
}
