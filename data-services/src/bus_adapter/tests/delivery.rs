//! Packets arrive where they are sent, and nowhere else.

use super::place::{Place, count, heard, inbox, say, stream, until_followed};
use crate::packet::Destination;

async fn packets_reach_their_destinations_only(place: Place) {
    let [mut one, mut two, three] = place.nodes("bus").await;

    say(&mut one, &Destination::Everyone, 1).await;
    assert_eq!(heard(&two).await, (1, 1));
    assert_eq!(heard(&three).await, (1, 1));

    say(&mut two, &inbox(&one), 2).await;
    say(&mut two, &Destination::Everyone, 3).await;
    assert_eq!(heard(&one).await, (2, 2));
    assert_eq!(heard(&one).await, (2, 3));
    assert_eq!(heard(&three).await, (2, 3), "it received the packet for another inbox");

    let hosts = stream(&two, "vSphere.Boston", "hosts");
    assert!(one.follow(&hosts).unwrap() && !one.follow(&hosts).unwrap());
    until_followed(&mut two, &one, &hosts).await;
    say(&mut two, &Destination::Followers(hosts.clone()), 4).await;
    say(&mut two, &Destination::Everyone, 5).await;
    assert_eq!(heard(&one).await, (2, 4));
    assert_eq!(heard(&one).await, (2, 5));
    assert_eq!(heard(&three).await, (2, 5), "it received a table that it does not follow");

    assert!(one.unfollow(&hosts) && !one.unfollow(&hosts));
    say(&mut two, &Destination::Followers(hosts), 6).await;
    say(&mut two, &Destination::Everyone, 7).await;
    assert_eq!(heard(&one).await, (2, 7), "it received a table that it follows no more");
    assert_eq!(count(&one, "packets_invalid", None), 0);
}

#[tokio::test]
async fn on_memory_packets_reach_their_destinations_only() {
    packets_reach_their_destinations_only(Place::Memory).await;
}

#[tokio::test]
async fn on_zmtp_packets_reach_their_destinations_only() {
    packets_reach_their_destinations_only(Place::Zmtp).await;
}

#[tokio::test]
async fn on_redis_packets_reach_their_destinations_only() {
    packets_reach_their_destinations_only(Place::redis()).await;
}

/// `one` is connected to itself under another spelling of its endpoint; on a broker it receives itself anyway.
async fn a_node_does_not_receive_itself(place: Place) {
    let [mut one, mut two] = place.nodes("bus").await;
    let mine = stream(&one, "nova", "servers");
    one.follow(&mine).unwrap();
    if let Some(endpoint) = one.endpoint() {
        assert!(!one.connect(endpoint).unwrap(), "its own endpoint");
        let respelt = endpoint.replace("memory://", "tcp://");
        assert!(one.connect(&respelt).unwrap());
    }
    for to in [Destination::Everyone, inbox(&one), Destination::Followers(mine)] {
        say(&mut one, &to, 1).await;
    }
    assert_eq!(heard(&two).await, (1, 1));
    say(&mut two, &inbox(&one), 2).await;
    assert_eq!(heard(&one).await, (2, 2));
    assert!(count(&one, "packets_echoed", None) >= 2, "the driver was to return what was sent");
}

#[tokio::test]
async fn on_memory_a_node_does_not_receive_itself() {
    a_node_does_not_receive_itself(Place::Memory).await;
}

#[tokio::test]
async fn on_redis_a_node_does_not_receive_itself() {
    a_node_does_not_receive_itself(Place::redis()).await;
}
