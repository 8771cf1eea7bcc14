//! The end of an adapter.

use pubsub_api::ErrorKind;

use super::place::{Place, count, goodbye, heard, inbox};
use crate::packet::{Destination, Outgoing};

async fn what_was_sent_before_the_end_arrives(place: Place) {
    let [one, two] = place.nodes("bus").await;
    let packets: Vec<_> = (0..500).map(|_| Outgoing { to: inbox(&two), message: goodbye() }).collect();
    let sends = async {
        // One by one: those that are sent together share a packet.
        for packet in packets.chunks(1) {
            one.send_all(packet).await.unwrap();
        }
        one.close().await.unwrap();
    };
    let receives = async {
        for _ in 0..packets.len() {
            assert_eq!(heard(&two).await, (1, 0));
        }
    };
    tokio::join!(sends, receives);
    assert_eq!(count(&one, "packets_sent", None), 500);
    assert_eq!(one.recv_to_the_end().await, ErrorKind::Closed);
    assert_eq!(one.send(&Destination::Everyone, &goodbye()).await.unwrap_err().kind(), ErrorKind::Closed);
    assert_eq!(count(&one, "packets_unsent", Some("closed")), 1);
    one.close().await.unwrap();
}

impl crate::bus_adapter::BusAdapter {
    async fn recv_to_the_end(&self) -> ErrorKind {
        loop {
            if let Err(error) = self.recv().await {
                return error.kind();
            }
        }
    }
}

#[tokio::test]
async fn on_memory_what_was_sent_before_the_end_arrives() {
    what_was_sent_before_the_end_arrives(Place::Memory).await;
}

#[tokio::test]
async fn on_zmtp_what_was_sent_before_the_end_arrives() {
    what_was_sent_before_the_end_arrives(Place::Zmtp).await;
}

#[tokio::test]
async fn on_redis_what_was_sent_before_the_end_arrives() {
    what_was_sent_before_the_end_arrives(Place::redis()).await;
}

/// Its sends wait for the server, which does not answer: `close` waits for them.
#[tokio::test]
async fn close_waits_for_the_sends_in_progress() {
    let place = Place::redis();
    let [one, two] = place.nodes("bus").await;
    let Place::Redis(server) = &place else { return };
    server.halt();
    let to = inbox(&two);
    let message = goodbye();
    let send = one.send(&to, &message);
    let close = async {
        tokio::task::yield_now().await;
        one.close().await
    };
    let resume = async {
        tokio::task::yield_now().await;
        server.go_on();
    };
    let (sent, closed, ()) = tokio::join!(send, close, resume);
    sent.unwrap();
    closed.unwrap();
    assert_eq!(heard(&two).await, (1, 0));
}
