//! What is no packet is counted and dropped, and changes nothing.

use bytes::Bytes;
use pubsub_api::{Action, Envelope, Event, Publisher, Topic};

use super::place::{Place, count, heard, say, subscribed};
use crate::bus_adapter::BusAdapter;
use crate::packet::Destination;

/// Sends to the topic of everyone what no node sends.
async fn send_odd_events(adapter: &BusAdapter, publisher: &dyn Publisher) {
    let topic = adapter.topics.of(&Destination::Everyone).unwrap().topic;
    let other = Topic::new("$dse.other.all.").unwrap();
    let event = Event::new("lport", "port-1", Action::Create, "{}", topic.clone());
    let unpacked = Event { table: Some("$dse".to_owned()), ..event.clone() };
    for (topic, payload) in [
        (topic.clone(), Bytes::from_static(b"?")),
        (topic.clone(), Envelope::pack(&event).unwrap().payload),
        (topic.clone(), Envelope::pack(&unpacked).unwrap().payload),
        (other, Bytes::from_static(b"?")),
    ] {
        publisher.send(&topic, payload).await.unwrap();
    }
}

async fn odd_events_are_counted_and_dropped(place: Place) {
    let [mut one, two] = place.nodes("bus").await;
    // The publisher of the node itself: what it sends arrives before the packet that follows.
    send_odd_events(&one, &*one.publisher).await;
    say(&mut one, &Destination::Everyone, 1).await;
    assert_eq!(heard(&two).await, (1, 1));
    for cause in ["not_a_map", "foreign_event", "malformed"] {
        assert_eq!(count(&two, "packets_invalid", Some(cause)), 1, "{cause}");
    }
    assert_eq!(two.status().counter("packets_received", None), 1);
}

#[tokio::test]
async fn on_memory_odd_events_are_counted_and_dropped() {
    odd_events_are_counted_and_dropped(Place::Memory).await;
}

#[tokio::test]
async fn on_zmtp_odd_events_are_counted_and_dropped() {
    odd_events_are_counted_and_dropped(Place::Zmtp).await;
}

#[tokio::test]
async fn on_redis_odd_events_are_counted_and_dropped() {
    odd_events_are_counted_and_dropped(Place::redis()).await;
}

#[tokio::test]
async fn an_odd_request_is_counted_and_dropped() {
    let (seed, newcomer) = (Place::Zmtp.node("bus", 1).await, Place::Zmtp.node("bus", 2).await);
    let endpoint = seed.endpoint().unwrap();
    newcomer.connect(endpoint).unwrap();
    subscribed(&newcomer).await;
    let requester = newcomer.subscriber.requester().unwrap();
    let envelope = |topic: &str| Envelope {
        topic: Topic::new(topic.to_owned()).unwrap(),
        payload: Bytes::from_static(b"?"),
    };
    assert!(requester.request(endpoint, envelope("$sync")));
    assert!(requester.request(endpoint, envelope("$dse.bus.all.")));
    newcomer.introduce(endpoint, &super::place::goodbye()).unwrap();
    assert_eq!(heard(&seed).await, (2, 0));
    assert_eq!(count(&seed, "packets_invalid", Some("wrong_destination")), 1);
    assert_eq!(count(&seed, "packets_invalid", Some("not_a_map")), 1);
}
