use std::collections::BTreeSet;

use super::simulation::{Simulation, Wiring, entry_of};
use super::{ALL, seconds};
use crate::membership::{MembershipEffect, MembershipMessage, PeerState, TableHead};
use crate::{Address, NodeEntry, ServiceEntry, ServiceId, StreamName, TableId};

#[test]
fn a_newcomer_knows_everything_after_one_pull_from_one_peer() {
    for wiring in ALL {
        let mut simulation = Simulation::of(wiring, 10, 1);
        simulation.settle();
        // The newcomer hears nobody but the first node.
        simulation.loses = Box::new(|from, to, _| to == 10 && from != 0);
        simulation.network.forget_counts();
        let newcomer = simulation.start("newcomer", &["tcp://h0:1"]);
        simulation.run_until(seconds(3), "it does not know all entries", |simulation| {
            let peers = &simulation.nodes[newcomer].membership.registry().peers;
            peers.len() == 10 && peers.values().all(|peer| peer.entry.is_some())
        });
        let kinds = simulation.network.kinds();
        assert_eq!((kinds["pull"], kinds["page"]), (1, 1), "{wiring:?}: {kinds:?}");
        simulation.loses = Box::new(|_, _, _| false);
        simulation.settle();
    }
}

#[test]
fn a_lost_change_of_an_entry_is_repaired_by_the_digest() {
    for wiring in ALL {
        let mut simulation = Simulation::of(wiring, 3, 2);
        simulation.settle();
        simulation.network.forget_counts();
        simulation.loses = Box::new(|from, to, message| {
            (from, to) == (0, 1) && matches!(message, MembershipMessage::Entry { revision: 3, .. })
        });
        simulation.act(0, |membership, _, effects| membership.set_entry(entry_of("new"), effects)).unwrap();
        simulation.run(std::time::Duration::from_millis(50));
        assert_eq!(
            (simulation.hosts(1, "new").len(), simulation.hosts(2, "new").len()),
            (0, 1),
            "{wiring:?}"
        );
        simulation.loses = Box::new(|_, _, _| false);
        simulation.run_until(seconds(2), "not repaired", |simulation| simulation.hosts(1, "new").len() == 1);
        assert_eq!(simulation.network.kinds()["pull entry"], 1, "{wiring:?}");
    }
}

#[test]
fn an_equal_entry_is_not_sent_again() {
    let mut simulation = Simulation::of(Wiring::Broker, 2, 3);
    simulation.settle();
    simulation.network.forget_counts();
    let entry = entry_of("service-0");
    simulation.act(0, |membership, _, effects| membership.set_entry(entry, effects)).unwrap();
    assert_eq!(simulation.network.packets_of(0), 0);
}

#[test]
fn the_registry_lists_hosts_listeners_and_followers_of_members_and_of_the_node_itself() {
    let mut simulation = Simulation::of(Wiring::Broker, 3, 4);
    simulation.settle();
    let name = |text| ServiceId::new(text).unwrap();
    let publisher = simulation.nodes[0].me.instance;
    let stream = StreamName { instance: publisher, service: name("nova"), table: TableId::new("t").unwrap() };
    let service = ServiceEntry { addresses: vec![Address::new("all.#").unwrap()], ..ServiceEntry::default() };
    let entry =
        NodeEntry { services: [(name("nova"), service)].into(), subscriptions: [stream.clone()].into() };
    for place in [0, 2] {
        simulation.act(place, |membership, _, effects| membership.set_entry(entry.clone(), effects)).unwrap();
    }
    simulation.run(seconds(1));
    let instances = |places: &[usize]| -> BTreeSet<_> {
        places.iter().map(|place| simulation.nodes[*place].me.instance).collect()
    };
    for at in 0..3 {
        let registry = simulation.nodes[at].membership.registry();
        let listeners = registry.listeners(&Address::new("all.nodes").unwrap());
        let hosts: BTreeSet<_> = simulation.hosts(at, "nova").into_iter().collect();
        assert_eq!(hosts, instances(&[0, 2]), "at {at}");
        assert_eq!(listeners.iter().map(|(node, _, _)| node.instance).collect::<BTreeSet<_>>(), hosts);
        assert_eq!(registry.followers(&stream), hosts);
        assert_eq!(registry.peers().count(), 2);
    }
}

#[test]
fn of_the_instances_with_a_rank_every_node_counts_the_lowest_as_active() {
    let mut simulation = Simulation::of(Wiring::Broker, 4, 7);
    simulation.settle();
    let name = ServiceId::new("nova").unwrap();
    let entry = |rank| {
        let service = ServiceEntry { rank, ..ServiceEntry::default() };
        NodeEntry { services: [(name.clone(), service)].into(), ..NodeEntry::default() }
    };
    for (place, rank) in [(0, Some(9)), (1, Some(3)), (2, Some(3)), (3, None)] {
        simulation.act(place, |membership, _, effects| membership.set_entry(entry(rank), effects)).unwrap();
    }
    simulation.run(seconds(1));
    let instances: Vec<_> = simulation.nodes.iter().map(|node| node.me.instance).collect();
    let active = instances[1].min(instances[2]);
    for at in 0..4 {
        let registry = simulation.nodes[at].membership.registry();
        let listeners = registry.active_listeners(&Address::new("nova").unwrap());
        let shown: BTreeSet<_> = listeners.iter().map(|(node, _, _)| node.instance).collect();
        assert_eq!(shown, [active, instances[3]].into(), "at {at}");
        assert_eq!(registry.last_rank(&name), 10);
    }
}

#[test]
fn an_entry_is_reported_when_it_counts() {
    let mut simulation = Simulation::of(Wiring::Broker, 2, 5);
    simulation.settle();
    let of = simulation.nodes[1].me.instance;
    let up = simulation.reported(0, 1, PeerState::Up).unwrap();
    let reports: Vec<_> =
        simulation.nodes[0].log.iter().filter(|(_, effect)| *effect == MembershipEffect::Entry(of)).collect();
    assert_eq!(reports.len(), 1);
    assert!(reports[0].0 >= up);
}

#[test]
fn the_heads_of_members_arrive_and_many_take_turns() {
    let mut simulation = Simulation::of(Wiring::Broker, 2, 6);
    let head = |number: u64| TableHead {
        service: ServiceId::new("nova").unwrap(),
        table: TableId::new(format!("table-{number}")).unwrap(),
        epoch: 1,
        sequence: number,
    };
    simulation.nodes[0].heads = (0..1200).map(head).collect();
    simulation.settle();
    simulation.run(seconds(5));
    let mut seen = BTreeSet::new();
    for (_, effect) in &simulation.nodes[1].log {
        if let MembershipEffect::Heads(instance, heads) = effect {
            assert_eq!(*instance, simulation.nodes[0].me.instance);
            assert!(heads.len() <= 500);
            seen.extend(heads.iter().map(|head| head.sequence));
        }
    }
    assert_eq!(seen, (0..1200).collect());
}
