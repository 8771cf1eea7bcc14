//! Peers: introductions, connections that end and return, endpoints that are registered twice.

use pubsub_api::ErrorKind;

use super::place::{Place, count, goodbye, heard, inbox, listener, reset, say, subscribed, until};
use crate::packet::Destination;

async fn a_seed_hears_a_newcomer_that_introduces_itself(place: Place) {
    let (mut seed, newcomer) = (place.node("bus", 1).await, place.node("bus", 2).await);
    let seed_endpoint = seed.endpoint().unwrap().to_owned();
    newcomer.introduce(&seed_endpoint, &goodbye()).unwrap();
    assert_eq!(heard(&seed).await, (2, 0));
    assert!(!newcomer.connect(&seed_endpoint).unwrap(), "the introduction has connected it");
    subscribed(&newcomer).await;
    say(&mut seed, &inbox(&newcomer), 3).await;
    assert_eq!(heard(&newcomer).await, (1, 3));
}

#[tokio::test]
async fn on_memory_a_seed_hears_a_newcomer_that_introduces_itself() {
    a_seed_hears_a_newcomer_that_introduces_itself(Place::Memory).await;
}

#[tokio::test]
async fn on_zmtp_a_seed_hears_a_newcomer_that_introduces_itself() {
    a_seed_hears_a_newcomer_that_introduces_itself(Place::Zmtp).await;
}

#[tokio::test]
async fn on_zmtp_a_node_that_has_connected_is_reported_and_can_be_sent_to() {
    let (mut one, two) = (Place::Zmtp.node("bus", 1).await, Place::Zmtp.node("bus", 2).await);
    let stranger = Place::Zmtp.node("bus-2", 3).await;
    stranger.connect(one.endpoint().unwrap()).unwrap();
    subscribed(&stranger).await;
    two.connect(one.endpoint().unwrap()).unwrap();
    assert_eq!(listener(&one).await, two.me.instance);
    say(&mut one, &inbox(&two), 3).await;
    assert_eq!(heard(&two).await, (1, 3));
}

#[tokio::test]
async fn a_newcomer_of_another_bus_is_not_heard() {
    let (seed, stranger) = (Place::Memory.node("bus", 1).await, Place::Memory.node("bus-2", 2).await);
    let newcomer = Place::Memory.node("bus", 3).await;
    stranger.introduce(seed.endpoint().unwrap(), &goodbye()).unwrap();
    newcomer.introduce(seed.endpoint().unwrap(), &goodbye()).unwrap();
    assert_eq!(heard(&seed).await, (3, 0));
    assert_eq!(count(&seed, "packets_invalid", Some("wrong_destination")), 1);
}

#[tokio::test]
async fn on_a_broker_nobody_is_introduced_or_connected_to() {
    let place = Place::redis();
    let node = place.node("bus", 1).await;
    assert_eq!(node.endpoint(), None);
    assert_eq!(node.introduce("tcp://127.0.0.1:1", &goodbye()).unwrap_err().kind(), ErrorKind::Unsupported);
    assert!(!node.connect("tcp://127.0.0.1:1").unwrap() && !node.disconnect("tcp://127.0.0.1:1"));
}

async fn a_lost_and_a_restored_connection_are_resets(place: Place) {
    let [one, two] = place.nodes("bus").await;
    let endpoint = two.endpoint().unwrap().to_owned();
    two.close().await.unwrap();
    assert_eq!(reset(&one, "").await.as_deref(), Some(endpoint.as_str()));
    let port = endpoint.rsplit_once(':').unwrap().1;
    let mut again = place.node_with("bus", 3, &[&format!("publisher_port={port}")]).await;
    assert_eq!(reset(&one, "in force").await.as_deref(), Some(endpoint.as_str()));
    say(&mut again, &Destination::Everyone, 4).await;
    assert_eq!(heard(&one).await, (3, 4));
    assert_eq!(count(&one, "link_resets", Some("link_down")), 1);
    assert!(count(&one, "link_resets", Some("subscribed")) >= 2);
}

#[tokio::test]
async fn on_memory_a_lost_and_a_restored_connection_are_resets() {
    a_lost_and_a_restored_connection_are_resets(Place::Memory).await;
}

#[tokio::test]
async fn on_zmtp_a_lost_and_a_restored_connection_are_resets() {
    a_lost_and_a_restored_connection_are_resets(Place::Zmtp).await;
}

#[tokio::test]
async fn a_broker_that_restarts_is_a_reset_of_all_peers() {
    let mut place = Place::redis();
    let [mut one, two] = place.nodes("bus").await;
    if let Place::Redis(server) = &mut place {
        server.start_again();
    }
    assert_eq!(reset(&two, "").await, None, "any peer may be affected");
    assert_eq!(reset(&two, "in force").await, None);
    say(&mut one, &inbox(&two), 1).await;
    assert_eq!(heard(&two).await, (1, 1));
}

#[tokio::test]
async fn a_node_that_is_disconnected_is_not_heard() {
    let [mut one, mut two, three] = Place::Zmtp.nodes("bus").await;
    let endpoint = one.endpoint().unwrap();
    assert!(!three.connect(endpoint).unwrap(), "it is connected");
    assert!(three.disconnect(endpoint) && !three.disconnect(endpoint));
    say(&mut one, &Destination::Everyone, 1).await;
    assert_eq!(heard(&two).await, (1, 1));
    say(&mut two, &Destination::Everyone, 2).await;
    assert_eq!(heard(&three).await, (2, 2));
}

/// By the name and by the address; the stamp of the hello shows that both lead to one node.
#[tokio::test]
async fn a_node_that_is_reached_by_two_endpoints_is_heard_once() {
    let (mut one, two) = (Place::Zmtp.node("bus", 1).await, Place::Zmtp.node("bus", 2).await);
    let endpoint = one.endpoint().unwrap().to_owned();
    assert!(two.connect(&endpoint).unwrap());
    subscribed(&two).await;
    assert!(two.connect(&endpoint.replace("127.0.0.1", "localhost")).unwrap());
    until("the connection by name is given up", || {
        two.subscriber.status().peers.iter().any(|peer| peer.state.contains("same publisher"))
    })
    .await;
    for number in 1..=3 {
        say(&mut one, &Destination::Everyone, number).await;
        assert_eq!(heard(&two).await, (1, number));
    }
}
