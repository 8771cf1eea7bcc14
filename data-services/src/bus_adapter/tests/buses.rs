//! Nodes of different buses do not see each other, even on one driver and with odd names.

use super::place::{Place, count, heard, say, stream, subscribed, until_followed};
use crate::bus_adapter::BusAdapter;
use crate::packet::Destination;

/// Names that a separator, a wildcard or a prefix could confuse.
const BUSES: [&str; 8] = ["1-x", "x-1", "x.1", "x", "*", "#", "x%2E1", "ü"];

/// A node of each bus; on a mesh each is connected to each.
async fn buses(place: &Place) -> Vec<BusAdapter> {
    let mut nodes = Vec::new();
    for (number, bus) in BUSES.iter().enumerate() {
        nodes.push(place.node(bus, number as u64 + 1).await);
    }
    for one in &nodes {
        for other in &nodes {
            one.connect(other.endpoint().unwrap_or_default()).unwrap();
        }
        let peers = if place.is_broker() { 1 } else { BUSES.len() - 1 };
        for _ in 0..peers {
            subscribed(one).await;
        }
    }
    nodes
}

/// Each node sends to everyone of its bus; then a second node of each bus, which comes later, sends a fence.
async fn buses_do_not_hear_each_other(place: Place) {
    let mut nodes = buses(&place).await;
    for node in &mut nodes {
        say(node, &Destination::Everyone, 1).await;
    }
    for (node, bus) in nodes.iter().zip(BUSES) {
        let mut peer = place.node(bus, 100).await;
        node.connect(peer.endpoint().unwrap_or_default()).unwrap();
        subscribed(if place.is_broker() { &peer } else { node }).await;
        say(&mut peer, &Destination::Everyone, 2).await;
        assert_eq!(heard(node).await, (100, 2), "bus {bus:?} received a packet of another bus");
        assert_eq!(count(node, "packets_invalid", None), 0);
    }
}

#[tokio::test]
async fn on_memory_buses_do_not_hear_each_other() {
    buses_do_not_hear_each_other(Place::Memory).await;
}

#[tokio::test]
async fn on_zmtp_buses_do_not_hear_each_other() {
    buses_do_not_hear_each_other(Place::Zmtp).await;
}

#[tokio::test]
async fn on_redis_buses_do_not_hear_each_other() {
    buses_do_not_hear_each_other(Place::redis()).await;
}

/// Tables whose names begin alike, contain the separator, or are longer than a topic.
async fn followers_receive_only_their_table(place: Place) {
    let [mut one, two] = place.nodes("bus").await;
    let long = "é".repeat(50);
    let tables = [
        stream(&one, "nova", "servers"),
        stream(&one, "nova", "servers_ext"),
        stream(&one, "nova", "servers.ext"),
        stream(&one, "nova.servers", "ext"),
        stream(&one, "nova", "*"),
        stream(&one, &long, &long),
    ];
    for followed in &tables {
        assert!(two.follow(followed).unwrap());
        until_followed(&mut one, &two, followed).await;
        for (number, table) in tables.iter().enumerate() {
            say(&mut one, &Destination::Followers(table.clone()), number as u64).await;
        }
        say(&mut one, &Destination::Everyone, 99).await;
        let own = tables.iter().position(|table| table == followed).unwrap() as u64;
        assert_eq!(heard(&two).await, (1, own), "{followed}");
        assert_eq!(heard(&two).await, (1, 99), "{followed}");
        assert!(two.unfollow(followed));
    }
}

#[tokio::test]
async fn on_memory_followers_receive_only_their_table() {
    followers_receive_only_their_table(Place::Memory).await;
}

#[tokio::test]
async fn on_zmtp_followers_receive_only_their_table() {
    followers_receive_only_their_table(Place::Zmtp).await;
}

#[tokio::test]
async fn on_redis_followers_receive_only_their_table() {
    followers_receive_only_their_table(Place::redis()).await;
}
