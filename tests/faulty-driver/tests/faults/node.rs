//! Nodes, and what they hear.

use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use faulty_driver::FaultyNetwork;
use pubsub_api::{Incoming, Notice, PubSubApi, Publisher, SEND_ALL, Subscriber};
use tokio::time::timeout;

/// Longer than any delay of these tests; the clock is paused.
pub(crate) const LONG: Duration = Duration::from_secs(3600);

/// A node with both ends running.
pub(crate) struct Node {
    pub(crate) publisher: Arc<dyn Publisher>,
    pub(crate) subscriber: Arc<dyn Subscriber>,
}

impl Node {
    pub(crate) async fn start(driver: &dyn PubSubApi, peers: &[&str]) -> Self {
        let node = Self { publisher: driver.publisher(), subscriber: driver.subscriber() };
        node.publisher.initialize().await.unwrap();
        node.subscriber.register_topic(SEND_ALL.into()).unwrap();
        for peer in peers {
            node.subscriber.register_listen_address(&endpoint(peer)).unwrap();
        }
        node.subscriber.initialize().await.unwrap();
        node
    }

    pub(crate) async fn say(&self, number: u32) {
        self.publisher.send(&SEND_ALL, Bytes::copy_from_slice(&number.to_be_bytes())).await.unwrap();
    }

    /// The numbers and notices that arrive until nothing more does.
    pub(crate) async fn hear(&self) -> Vec<Heard> {
        let mut heard = Vec::new();
        while let Ok(incoming) = timeout(LONG, self.subscriber.recv()).await {
            heard.push(match incoming.unwrap() {
                Incoming::Event(envelope) => {
                    Heard::Number(u32::from_be_bytes(envelope.payload.as_ref().try_into().unwrap()))
                }
                Incoming::Notice(Notice::LinkUp { publisher }) => Heard::Up(publisher),
                Incoming::Notice(Notice::Subscribed { publisher, .. }) => Heard::Subscribed(publisher),
                Incoming::Notice(Notice::LinkDown { publisher, .. }) => Heard::Down(publisher),
                Incoming::Notice(Notice::Gap { events, .. }) => Heard::Gap(events),
                Incoming::Notice(other) => panic!("{other:?}"),
            });
        }
        heard
    }

    pub(crate) async fn numbers(&self) -> Vec<u32> {
        let of = |heard| match heard {
            Heard::Number(number) => Some(number),
            _ => None,
        };
        self.hear().await.into_iter().filter_map(of).collect()
    }
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Heard {
    Number(u32),
    Up(String),
    Subscribed(String),
    Down(String),
    Gap(u64),
}

pub(crate) fn endpoint(name: &str) -> String {
    format!("faulty://{name}:1")
}

/// Two nodes, each connected to the other.
pub(crate) async fn pair(network: &FaultyNetwork) -> (Node, Node) {
    let one = Node::start(&*network.node("one"), &["two"]).await;
    let two = Node::start(&*network.node("two"), &["one"]).await;
    assert_eq!(one.numbers().await, []);
    assert_eq!(two.numbers().await, []);
    (one, two)
}

pub(crate) fn millis(from: u64, to: u64) -> RangeInclusive<Duration> {
    Duration::from_millis(from)..=Duration::from_millis(to)
}
