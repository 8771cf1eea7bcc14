//! A publisher that was heard, and whose next connection brings nothing: a subscription that the crate lost.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test ends where an expectation fails")]

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::{Duration, Instant};

use drivers_zeromq as _;
use pubsub_api::settings::PubSub;
use pubsub_api::{Envelope, HELLO, Incoming, Notice, Registry, Role, Subscriber, Topic, hello};
use settings::Sources;

/// How long anything that must come is waited for.
const PATIENCE: Duration = Duration::from_secs(60);

/// The greeting of ZMTP 3.0 with NULL (RFC 23).
fn greeting() -> Vec<u8> {
    let mut greeting = vec![0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0x7f, 3, 0];
    greeting.extend_from_slice(b"NULL");
    greeting.resize(64, 0);
    greeting
}

/// The READY of a PUB.
const READY: &[u8] = b"\x04\x19\x05READY\x0bSocket-Type\0\0\0\x03PUB";

/// Accepts connections and shakes hands as a PUB; probes, which close at once, do not count.
fn publisher() -> (String, Receiver<TcpStream>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("tcp://{}", listener.local_addr().unwrap());
    let (sender, connections) = sync_channel(8);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut heard = [0; 64];
            let greeted = stream.write_all(&greeting()).and_then(|()| stream.read_exact(&mut heard));
            if greeted.and_then(|()| stream.write_all(READY)).is_ok() && sender.send(stream).is_err() {
                return;
            }
        }
    });
    (address, connections)
}

fn next_connection(connections: &Receiver<TcpStream>) -> TcpStream {
    connections.recv_timeout(PATIENCE).unwrap_or_else(|_| panic!("no connection"))
}

async fn subscriber(address: &str) -> Arc<dyn Subscriber> {
    let registry = Registry::collect().unwrap();
    let sets = ["pub_sub_driver=zmq_pubsub_driver", "dead_after=2s"].map(str::to_owned).to_vec();
    let sources = Sources { sets, ..Sources::default() };
    let (settings, _) = settings::load(&sources, &[PubSub::TABLE], &registry.settings()).unwrap();
    let subscriber = registry.open(&settings, Role::Network).unwrap().subscriber();
    subscriber.register_topic(Topic::new("a".to_owned()).unwrap().into()).unwrap();
    subscriber.register_listen_address(address).unwrap();
    subscriber.initialize().await.unwrap();
    subscriber
}

/// Two frames: the topic and the map.
fn hello_frames() -> Vec<u8> {
    let Envelope { topic, payload } = Envelope::pack(&hello::event_with("p", None, 1)).unwrap();
    assert_eq!(topic, HELLO);
    let mut frames = vec![1, u8::try_from(topic.as_bytes().len()).unwrap()];
    frames.extend_from_slice(topic.as_bytes());
    frames.extend_from_slice(&[0, u8::try_from(payload.len()).unwrap()]);
    frames.extend_from_slice(&payload);
    frames
}

async fn wait_for(subscriber: &Arc<dyn Subscriber>, is: impl Fn(&Notice) -> bool) {
    let deadline = Instant::now() + PATIENCE;
    loop {
        assert!(Instant::now() < deadline, "the notice did not come");
        if let Ok(Ok(Incoming::Notice(notice))) = tokio::time::timeout(PATIENCE, subscriber.recv()).await
            && is(&notice)
        {
            return;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_publisher_that_sent_hellos_and_is_silent_after_a_reconnect_is_connected_again() {
    let (address, connections) = publisher();
    let subscriber = subscriber(&address).await;
    let mut first = next_connection(&connections);
    first.write_all(&hello_frames()).unwrap();
    wait_for(&subscriber, |notice| matches!(notice, Notice::Subscribed { .. })).await;
    drop(first);
    let silent = next_connection(&connections);
    wait_for(&subscriber, |notice| {
        matches!(notice, Notice::LinkDown { reason, .. } if reason.contains("received nothing for 2s"))
    })
    .await;
    drop(silent);
    let mut third = next_connection(&connections);
    third.write_all(&hello_frames()).unwrap();
    wait_for(&subscriber, |notice| matches!(notice, Notice::Subscribed { .. })).await;
    subscriber.close().await;
}
