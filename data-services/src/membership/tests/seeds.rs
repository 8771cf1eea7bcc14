use super::seconds;
use super::simulation::{Simulation, Wiring, entry_of};
use crate::membership::{MembershipMessage, PeerState};

#[test]
fn a_node_without_a_reachable_seed_runs_alone_and_keeps_trying() {
    let mut simulation = Simulation::new(Wiring::Mesh, 1);
    simulation.start("late", &["tcp://h1:1", "tcp://nowhere:1"]);
    simulation.run(seconds(60));
    assert!(simulation.nodes[0].log.iter().all(|(_, effect)| !format!("{effect:?}").contains("Peer")));
    // The seed starts after a minute, and does not know of it.
    simulation.start("seed", &[]);
    let time = simulation.settle();
    assert!(time < seconds(7), "{time:?}");
}

#[test]
fn a_seed_that_is_the_node_itself_is_recognized() {
    let mut simulation = Simulation::new(Wiring::Mesh, 2);
    // By its own endpoint, and by another name of it.
    let place = simulation.start("n0", &["tcp://h0:1"]);
    simulation.run(seconds(10));
    assert_eq!(simulation.network.packets_of(place), 0);

    let alias = simulation.start("n1", &["tcp://alias:1"]);
    let me = simulation.nodes[alias].me.clone();
    let heartbeat = Box::default();
    let message = MembershipMessage::Introduction { to: "tcp://alias:1".to_owned(), heartbeat };
    simulation.act(alias, |membership, now, effects| membership.received(now, &me, message, effects));
    let before = simulation.introductions;
    simulation.run(seconds(60));
    assert_eq!(simulation.introductions, before, "it introduces itself to itself no more");
    assert!(simulation.nodes[alias].links.is_empty());
}

#[test]
fn one_reachable_seed_suffices_and_may_die_later() {
    let mut simulation = Simulation::new(Wiring::Mesh, 3);
    let seeds = ["tcp://dead:1", "tcp://h0:1", "tcp://dead:2"];
    for number in 0..4 {
        simulation.start(&format!("n{number}"), &seeds);
    }
    simulation.settle();
    simulation.crash(0);
    simulation.run(seconds(60));
    assert!(simulation.is_complete(&[1, 2, 3]));
    simulation.act(1, |membership, _, effects| membership.set_entry(entry_of("new"), effects)).unwrap();
    simulation.run(seconds(1));
    assert_eq!(simulation.hosts(3, "new").len(), 1);
    // Any other node serves as a seed as well.
    simulation.start("n4", &["tcp://h3:1"]);
    simulation.settle();
    assert!(!simulation.was(3, 1, PeerState::Suspect));
}

#[test]
fn seeds_that_do_not_know_each_other_join_their_nodes() {
    let mut simulation = Simulation::new(Wiring::Mesh, 4);
    for number in 0..2 {
        simulation.start(&format!("seed{number}"), &[]);
        for node in 0..3 {
            simulation.start(&format!("n{number}{node}"), &[["tcp://h0:1", "tcp://h4:1"][number]]);
        }
    }
    simulation.settle_parts(&[&[0, 1, 2, 3], &[4, 5, 6, 7]]);
    simulation.start("joins", &["tcp://h0:1", "tcp://h4:1"]);
    let time = simulation.settle();
    assert!(time < seconds(10), "{time:?}");
}
