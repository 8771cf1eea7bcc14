//! Clients that ask for ever for what they have no right to: nobody else notices, and nothing of it is kept.

use std::sync::Arc;
use std::time::Duration;

use drivers_zmtp::protocol::Command;
use drivers_zmtp::protocol::curve::{ClientKeys, Session};
use pubsub_api::Publisher;

use super::fleet::{Fleet, names};
use super::raw_client::{RawClient, keys};

/// Subscriptions of a client in all, and in one write.
const SUBSCRIPTIONS: u64 = 100_000;
const AT_ONCE: usize = 500;

/// The memory that this process has, in bytes.
fn resident_bytes() -> usize {
    let text = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<usize>().unwrap() * 1024
}

fn sealed(session: &mut Session, bodies: impl Iterator<Item = Vec<u8>>) -> Vec<u8> {
    let (mut frames, mut sealed) = (Vec::new(), Vec::new());
    bodies.for_each(|body| Command::Subscribe(&body).put(&mut frames));
    session.sealer.seal(&frames, usize::MAX, &mut sealed).unwrap();
    sealed
}

/// Subscribes to what it has no right to until all were refused, and connects again whenever it is closed.
fn subscribe_for_ever(publisher: &dyn Publisher, own: &ClientKeys) {
    let (endpoint, mut number) = (publisher.endpoint().unwrap(), 0);
    while refused(publisher) < SUBSCRIPTIONS {
        let (mut client, mut session) = RawClient::connected(&endpoint, own);
        while refused(publisher) < SUBSCRIPTIONS {
            let bodies = (number..number + AT_ONCE).map(|number| format!("outside-{number}").into_bytes());
            client.out = sealed(&mut session, bodies);
            number += AT_ONCE;
            if !client.send() {
                break;
            }
        }
    }
}

fn refused(publisher: &dyn Publisher) -> u64 {
    publisher.status().counter("subscriptions_refused", Some("topic_right"))
}

/// Announces whole subscriptions and never reads that they are refused, until its writes stall.
fn announce_without_reading(endpoint: &str, own: &ClientKeys) {
    let (mut client, mut session) = RawClient::connected(endpoint, own);
    client.limit_writes(Duration::from_millis(500));
    for round in 0..400 {
        let body = |number: usize| [b"\0P", format!("outside-{round}-{number}.*").as_bytes()].concat();
        client.out = sealed(&mut session, (0..AT_ONCE).map(body));
        if !client.send() {
            return;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_thousand_refused_subscriptions_cost_a_healthy_agent_nothing_and_are_not_kept() {
    const EVENTS: usize = 2000;
    let fleet = Fleet::new(&["healthy topic=a", "greedy topic=b"], &[]).await;
    let healthy = fleet.agent_of("healthy", &["a"]).await;
    fleet.subscribed(&healthy).await;
    let (endpoint, own) = (fleet.endpoint(), keys(&fleet.key_file("greedy"), fleet.key));
    let (publisher, before) = (Arc::clone(&fleet.publisher), resident_bytes());
    let greedy = tokio::task::spawn_blocking(move || {
        subscribe_for_ever(&*publisher, &own);
        announce_without_reading(&endpoint, &own);
    });
    let mut received = 0;
    while received < EVENTS || !greedy.is_finished() {
        fleet.publish_all(&["b", "a", "ab"]).await;
        assert_eq!(names(&healthy, 1).await, ["a"]);
        received += 1;
    }
    greedy.await.unwrap();
    let status = fleet.publisher.status();
    assert!(status.counter("peers_refused", Some("too_many_refused_subscriptions")) > 0);
    assert_eq!(healthy.status().counter("links_lost", None), 0);
    let grown = resident_bytes().saturating_sub(before);
    assert!(grown < 32 << 20, "{grown} bytes");
}
