use std::time::Duration;

use super::simulation::{Simulation, entry_of};
use super::{ALL, seconds};
use crate::membership::PeerState;

#[test]
fn nodes_find_each_other_and_their_entries() {
    for wiring in ALL {
        for seed in 0..10 {
            let mut simulation = Simulation::of(wiring, 5, seed);
            let time = simulation.settle();
            assert!(time < seconds(3), "{wiring:?}: {time:?}");
        }
    }
}

#[test]
fn a_one_way_link_is_never_up() {
    for wiring in ALL {
        let mut simulation = Simulation::new(wiring, 1);
        simulation.network.cut_one_way(1, 0);
        simulation.start("n0", &["tcp://h1:1"]);
        simulation.start("n1", &["tcp://h0:1"]);
        simulation.run(seconds(60));
        for (at, of) in [(0, 1), (1, 0)] {
            assert!(!simulation.was(at, of, PeerState::Up), "{wiring:?}: {of} was up at {at}");
        }
        simulation.network.heal();
        simulation.settle();
    }
}

#[test]
fn a_link_that_becomes_one_way_is_down_at_both_ends() {
    for wiring in ALL {
        let mut simulation = Simulation::of(wiring, 3, 2);
        simulation.settle();
        simulation.network.cut_one_way(1, 0);
        simulation.run_until(seconds(8), "the link is up", |simulation| {
            simulation.state(0, 1) == Some(PeerState::Down) && simulation.state(1, 0) == Some(PeerState::Down)
        });
        let since = simulation.now;
        simulation.run(seconds(60));
        for (at, of) in [(0, 1), (1, 0)] {
            assert!(
                simulation.reported(at, of, PeerState::Up) < Some(since),
                "{wiring:?}: {of} came up at {at}"
            );
        }
        assert!(simulation.is_complete(&[0, 2]) && simulation.is_complete(&[1, 2]), "{wiring:?}: the others");
        simulation.network.heal();
        simulation.settle();
    }
}

#[test]
fn a_goodbye_is_left_at_once() {
    for wiring in ALL {
        let mut simulation = Simulation::of(wiring, 3, 3);
        simulation.settle();
        simulation.network.delay.1 = Duration::from_millis(500);
        simulation.run(seconds(3));
        simulation.act(2, |membership, _, effects| membership.leave(effects));
        simulation.crash(2);
        simulation.run(Duration::from_millis(500));
        for at in [0, 1] {
            assert_eq!(simulation.state(at, 2), Some(PeerState::Left), "{wiring:?}");
        }
        simulation.run(seconds(10));
        assert_eq!(simulation.state(0, 2), Some(PeerState::Left), "a late packet does not bring it back");
        simulation.run(seconds(60));
        assert_eq!(simulation.state(0, 2), None, "it is forgotten");
    }
}

#[test]
fn a_crash_is_down_within_5_s_and_one_heartbeat() {
    for wiring in ALL {
        let mut simulation = Simulation::of(wiring, 3, 4);
        simulation.settle();
        simulation.run(seconds(7));
        simulation.crash(2);
        let time = simulation.run_until(Duration::from_millis(6100), "it is not down", |simulation| {
            [0, 1].iter().all(|at| simulation.state(*at, 2) == Some(PeerState::Down))
        });
        assert!(time > seconds(3), "{wiring:?}: down after only {time:?}");
        assert!(simulation.was(0, 2, PeerState::Suspect) && simulation.nodes[0].links.len() < 2);
    }
}

#[test]
fn a_partition_of_30_s_heals_by_itself() {
    for wiring in ALL {
        let mut simulation = Simulation::of(wiring, 10, 5);
        simulation.settle();
        let (one, other): (Vec<_>, Vec<_>) = ([0, 2, 4, 6, 8].into(), [1, 3, 5, 7, 9].into());
        simulation.network.partition(&one, &other);
        simulation.run(seconds(15));
        assert!(simulation.is_complete(&one) && simulation.is_complete(&other), "{wiring:?}");
        assert_eq!(simulation.state(0, 1), Some(PeerState::Down), "{wiring:?}");
        simulation
            .act(1, |membership, _, effects| membership.set_entry(entry_of("changed"), effects))
            .unwrap();
        simulation.run(seconds(15));
        assert!(simulation.hosts(0, "changed").is_empty(), "{wiring:?}");
        simulation.network.heal();
        let time = simulation.settle();
        assert!(time < seconds(8), "{wiring:?}: healed after {time:?}");
        assert_eq!(simulation.hosts(0, "changed").len(), 1, "{wiring:?}");
    }
}

#[test]
fn loss_duplication_reordering_and_delay_do_no_harm() {
    for wiring in ALL {
        for seed in 0..5 {
            let mut simulation = Simulation::of(wiring, 6, seed);
            simulation.network.loss = 0.2;
            simulation.network.duplication = 0.2;
            simulation.network.delay = (Duration::ZERO, Duration::from_millis(900));
            simulation.settle();
            for change in 0..20 {
                let entry = entry_of(&format!("change-{change}"));
                simulation
                    .act(change % 6, |membership, _, effects| membership.set_entry(entry, effects))
                    .unwrap();
                simulation.run(seconds(1));
            }
            simulation.settle();
            let refused = (0..6).find_map(|place| simulation.refusal(place));
            assert_eq!(refused, None, "{wiring:?}, seed {seed}");
        }
    }
}
