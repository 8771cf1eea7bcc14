//! Sealed packets: a stranger reads none, and none that it makes, changes, moves or repeats is accepted.

use std::path::{Path, PathBuf};
use std::time::Duration;

use pubsub_api::wire::EventRef;
use pubsub_api::{Action, Envelope, Event, Publisher, Topic, Value};
use sealing::{AcceptedEvents, PacketSealing, PacketsToSend, keyring_lines};
use tempfile::TempDir;
use tokio::time::timeout;

use super::place::{PATIENCE, Place, count, goodbye, heard, inbox, say, stream, subscribed, until_followed};
use crate::bus_adapter::encoded_messages::EncodedMessages;
use crate::bus_adapter::{BusAdapter, encoding};
use crate::packet::Destination;

/// A keyring with one key.
fn keyring(id: &str) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("keyring");
    keyring_lines::create(&file, id).unwrap();
    (folder, file)
}

fn sealing(file: &Path, send: PacketsToSend, accept: AcceptedEvents) -> Option<PacketSealing> {
    Some(PacketSealing { setting: "keyring_file", keyring_file: file.to_owned(), send, accept })
}

/// A node that seals, and accepts nothing else.
async fn sealed(place: &Place, instance: u64, file: &Path) -> BusAdapter {
    let sealing = sealing(file, PacketsToSend::Sealed, AcceptedEvents::Sealed);
    place.sealed_node("bus", instance, &[], sealing).await
}

/// A packet as a node would send it now.
fn envelope(of: &BusAdapter, to: &Destination) -> Envelope {
    let (topic, messages) = (of.topics.of(to).unwrap(), EncodedMessages::new(&goodbye()).unwrap());
    encoding::encode(of.topics.bus(), &topic, to, &of.me, &messages, &of.guard).unwrap()
}

/// The sealed bytes of a packet, changed, in an event on a topic.
fn rebuilt(of: &Envelope, topic: &Topic, change: impl FnOnce(&mut Vec<u8>)) -> Envelope {
    let event = EventRef::read(of.topic.as_bytes(), &of.payload).unwrap();
    let mut value = event.value.to_vec();
    change(&mut value);
    Envelope::pack(&Event {
        table: event.table.map(str::to_owned),
        key: None,
        action: Action::Other("sealed".to_owned()),
        value: Value::Other(value.into()),
        topic: topic.clone(),
        stamp: None,
        version: None,
    })
    .unwrap()
}

async fn send(publisher: &dyn Publisher, envelope: &Envelope) {
    publisher.send(&envelope.topic, envelope.payload.clone()).await.unwrap();
}

fn has(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|part| part == text.as_bytes())
}

/// Whoever can publish on a broker can send anything.
#[tokio::test]
async fn what_a_stranger_makes_changes_moves_or_repeats_is_refused_by_cause() {
    let place = Place::redis();
    let (_folder, file) = keyring("k");
    let (_other_folder, other_file) = keyring("k");
    let (_unknown_folder, unknown_file) = keyring("another");
    let (mut one, two) = (sealed(&place, 1, &file).await, sealed(&place, 2, &file).await);
    let stranger = place.node("bus", 1).await;
    for node in [&one, &two, &stranger] {
        subscribed(node).await;
    }
    let everyone = Destination::Everyone;
    let genuine = envelope(&one, &everyone);
    assert!(!has(&genuine.payload, "Goodbye") && !has(&genuine.payload, "node-1"), "it is encrypted");
    send(&*stranger.publisher, &genuine).await;
    assert_eq!(heard(&two).await, (1, 0));

    // The same again; on another topic; with one bit changed.
    send(&*stranger.publisher, &genuine).await;
    let fresh = envelope(&one, &everyone);
    let inbox = two.topics.of(&inbox(&two)).unwrap().topic;
    send(&*stranger.publisher, &rebuilt(&fresh, &inbox, |_| ())).await;
    let flip = |value: &mut Vec<u8>| *value.last_mut().unwrap() ^= 1;
    send(&*stranger.publisher, &rebuilt(&fresh, &fresh.topic, flip)).await;
    // A packet in the name of a member, without a key and with other keys.
    send(&*stranger.publisher, &envelope(&stranger, &everyone)).await;
    for file in [&other_file, &unknown_file] {
        let forger = sealed(&place, 1, file).await;
        send(&*stranger.publisher, &envelope(&forger, &everyone)).await;
    }
    // Nothing of that was heard, and the sender is heard as before.
    send(&*stranger.publisher, &fresh).await;
    say(&mut one, &everyone, 7).await;
    assert_eq!([heard(&two).await, heard(&two).await], [(1, 0), (1, 7)]);
    for (cause, times) in [("repeated", 1), ("not_authentic", 3), ("not_sealed", 1), ("unknown_key", 1)] {
        assert_eq!(count(&two, "packets_invalid", Some(cause)), times, "{cause}");
    }
    // What the stranger reads of it.
    receive_until(&stranger, "no_keyring").await;
}

/// Receives until a packet was refused for this cause.
async fn receive_until(node: &BusAdapter, cause: &str) {
    let receive = async {
        while count(node, "packets_invalid", Some(cause)) == 0 {
            // A packet that is refused is no event: others come with it.
            let _ = timeout(Duration::from_millis(20), node.recv()).await;
        }
    };
    timeout(PATIENCE, receive).await.expect("a packet that is refused");
}

/// Whoever reaches the port of a node can introduce itself.
#[tokio::test]
async fn on_zmtp_the_introduction_of_a_stranger_is_refused() {
    let (_folder, file) = keyring("k");
    let (seed, member) = (sealed(&Place::Zmtp, 1, &file).await, sealed(&Place::Zmtp, 2, &file).await);
    let stranger = Place::Zmtp.node("bus", 3).await;
    let endpoint = seed.endpoint().unwrap();
    stranger.introduce(endpoint, &goodbye()).unwrap();
    receive_until(&seed, "not_sealed").await;
    member.introduce(endpoint, &goodbye()).unwrap();
    assert_eq!(heard(&seed).await, (2, 0));
}

async fn members_hear_each_other(place: Place) {
    let (_folder, file) = keyring("k");
    let (mut one, two) = (sealed(&place, 1, &file).await, sealed(&place, 2, &file).await);
    for (node, peer) in [(&one, &two), (&two, &one)] {
        node.connect(peer.endpoint().unwrap_or_default()).unwrap();
    }
    for node in [&one, &two] {
        subscribed(node).await;
    }
    let hosts = stream(&one, "vSphere.Boston", "hosts");
    two.follow(&hosts).unwrap();
    until_followed(&mut one, &two, &hosts).await;
    let destinations = [Destination::Everyone, inbox(&two), Destination::Followers(hosts)];
    for (number, to) in (1..).zip(destinations) {
        say(&mut one, &to, number).await;
        assert_eq!(heard(&two).await, (1, number));
    }
    assert_eq!(count(&two, "packets_invalid", None), 0);
}

#[tokio::test]
async fn on_memory_members_hear_each_other() {
    members_hear_each_other(Place::Memory).await;
}

#[tokio::test]
async fn on_zmtp_members_hear_each_other() {
    members_hear_each_other(Place::Zmtp).await;
}

#[tokio::test]
async fn on_redis_members_hear_each_other() {
    members_hear_each_other(Place::redis()).await;
}

/// A bus changes to sealed packets node by node.
#[tokio::test]
async fn a_node_that_accepts_any_packet_hears_sealed_and_plain_ones() {
    let place = Place::redis();
    let (_folder, file) = keyring("k");
    let prepared = sealing(&file, PacketsToSend::Plain, AcceptedEvents::Any);
    let prepared = place.sealed_node("bus", 1, &[], prepared).await;
    let (mut plain, mut seals) = (place.node("bus", 2).await, sealed(&place, 3, &file).await);
    subscribed(&prepared).await;
    say(&mut plain, &Destination::Everyone, 5).await;
    assert_eq!(heard(&prepared).await, (2, 5));
    say(&mut seals, &Destination::Everyone, 6).await;
    assert_eq!(heard(&prepared).await, (3, 6));
}
