use bytes::Bytes;
use proptest::prelude::{any, prop, prop_assert, proptest};
use pubsub_api::wire::MAX_DEPTH;
use pubsub_api::{Action, Envelope, ErrorKind, Event, Value};
use serde_json::{Value as Json, json};

use super::{TABLE, VERSION, WITH_ROWS, check, decode, encode, pack};
use crate::bus_adapter::MAX_PACKET_BYTES;
use crate::bus_adapter::encoded_messages::EncodedMessages;
use crate::bus_adapter::invalid::Invalid;
use crate::bus_adapter::packet_guard::PacketGuard;
use crate::bus_adapter::topics::Topics;
use crate::membership::MembershipMessage;
use crate::packet::{Destination, Message};
use crate::{BusId, Instance, NodeId, NodeInstance, ServiceId, StreamName, TableId};

fn source(instance: u64) -> NodeInstance {
    NodeInstance { node: NodeId::new("node-1").unwrap(), instance: Instance::of(instance), boot: 7 }
}

fn followers(instance: u64, service: &str) -> Destination {
    let (service, table) = (ServiceId::new(service).unwrap(), TableId::new("hosts").unwrap());
    Destination::Followers(StreamName { instance: Instance::of(instance), service, table })
}

fn bus(name: &str) -> Topics {
    Topics::new(BusId::new(name).unwrap())
}

fn plain() -> PacketGuard {
    PacketGuard::start(None).unwrap()
}

fn goodbye() -> Message {
    Message::Membership(MembershipMessage::Goodbye)
}

fn packed(bus: &Topics, to: &Destination) -> Envelope {
    encode(bus.bus(), &bus.of(to).unwrap(), to, &source(1), &goodbyes(1), &plain()).unwrap()
}

fn goodbyes(count: usize) -> EncodedMessages {
    let mut messages = EncodedMessages::new(&goodbye()).unwrap();
    for _ in 1..count {
        assert!(messages.push(&goodbye()).unwrap());
    }
    messages
}

fn read(bus: &Topics, to: &Destination, payload: &[u8]) -> Result<(NodeInstance, Vec<Message>), Invalid> {
    decode(bus.bus(), &bus.of(to).unwrap(), to, payload, &plain())
}

#[test]
fn a_packet_reads_as_it_was_written() {
    let long = "é".repeat(50);
    for bus in [bus("bus"), bus(&long)] {
        for to in [
            Destination::Everyone,
            Destination::Instance(Instance::of(2)),
            followers(1, "a"),
            followers(1, &long),
        ] {
            let envelope = packed(&bus, &to);
            assert_eq!(envelope.topic, bus.of(&to).unwrap().topic);
            assert_eq!(read(&bus, &to, &envelope.payload), Ok((source(1), vec![goodbye()])), "{to:?}");
        }
    }
}

#[test]
fn a_packet_has_as_many_messages_as_were_put_in() {
    let (bus, to) = (bus("bus"), Destination::Everyone);
    for count in [2, 15, 16, 300] {
        let (topic, messages) = (bus.of(&to).unwrap(), goodbyes(count));
        let payload = encode(bus.bus(), &topic, &to, &source(1), &messages, &plain()).unwrap().payload;
        assert_eq!(read(&bus, &to, &payload), Ok((source(1), vec![goodbye(); count])));
    }
}

/// An event on the topic of everyone with this value.
fn event(table: &str, value: Value) -> Bytes {
    let topic = bus("bus").of(&Destination::Everyone).unwrap().topic;
    Envelope::pack(&Event::new(table, "k", Action::Set, value, topic)).unwrap().payload
}

fn packet(parts: Json) -> Bytes {
    event(TABLE, Value::Other(pack(&parts).unwrap().into()))
}

#[test]
fn what_is_no_packet_of_the_bus_is_refused_by_cause() {
    let (to, of) = (Destination::Everyone, json!(["node-1", 1, 7]));
    let good = json!([VERSION, "bus", null, of, [{"Membership": "Goodbye"}]]);
    assert!(read(&bus("bus"), &to, &packet(good)).is_ok());
    for (payload, cause) in [
        (Bytes::from_static(b"?"), "not_a_map"),
        (event("lport", Value::Text("{}".to_owned())), "foreign_event"),
        (event(TABLE, Value::Text("{}".to_owned())), "malformed"),
        (event(TABLE, Value::Nil), "malformed"),
        (packet(json!([VERSION + 1, "bus", null, of, "?"])), "other_version"),
        (packet(json!([VERSION, "other", null, of, [{"Membership": "Goodbye"}]])), "wrong_bus"),
        (packet(json!([VERSION, "bus", null, of, [{"Membership": "Unknown"}]])), "malformed"),
        (packet(json!([VERSION, "bus", null, of, [{"Unknown": 1}]])), "malformed"),
        (packet(json!([VERSION, "bus", null, ["", 1, 7], [{"Membership": "Goodbye"}]])), "malformed"),
        (packet(json!([VERSION, "bus", null, of])), "malformed"),
        (packet(json!([VERSION, "bus", null, of, {"Membership": "Goodbye"}])), "malformed"),
        (
            packet(json!([VERSION, "bus", [1, "a", "b"], of, [{"Membership": "Goodbye"}]])),
            "wrong_destination",
        ),
    ] {
        assert_eq!(read(&bus("bus"), &to, &payload).unwrap_err().cause(), cause);
    }
}

#[test]
fn a_change_of_a_table_comes_from_its_publisher() {
    let (bus, to) = (bus("bus"), followers(2, "a"));
    assert_eq!(read(&bus, &to, &packed(&bus, &to).payload), Err(Invalid::WrongSource));
}

#[test]
fn a_packet_on_a_shortened_topic_names_its_stream() {
    let (bus, long) = (bus("bus"), "é".repeat(50));
    let (one, other) = (followers(1, &long), followers(1, "a"));
    let topic = bus.of(&one).unwrap();
    let envelope = encode(bus.bus(), &topic, &other, &source(1), &goodbyes(1), &plain()).unwrap();
    assert_eq!(decode(bus.bus(), &topic, &one, &envelope.payload, &plain()), Err(Invalid::WrongDestination));
    assert!(decode(bus.bus(), &topic, &other, &envelope.payload, &plain()).is_ok());
}

fn nested(levels: usize) -> Json {
    (1..levels).fold(json!([0]), |inner, _| json!([inner]))
}

#[test]
fn what_receivers_would_drop_is_refused_by_the_sender() {
    let sized = |bytes: usize| pack(&"x".repeat(bytes - 5)).unwrap();
    assert!(check(&sized(MAX_PACKET_BYTES), "call").is_ok());
    let error = check(&sized(MAX_PACKET_BYTES + 1), "call").unwrap_err();
    assert!(error.kind() == ErrorKind::Invalid && error.to_string().contains("524289"), "{error}");
    assert!(check(&pack(&nested(MAX_DEPTH)).unwrap(), WITH_ROWS).is_ok());
    let error = check(&pack(&nested(MAX_DEPTH + 1)).unwrap(), WITH_ROWS).unwrap_err();
    assert!(error.to_string().contains("deeper than 64"), "{error}");
    let large = event(TABLE, Value::Other(sized(MAX_PACKET_BYTES + 1).into()));
    assert_eq!(read(&bus("bus"), &Destination::Everyone, &large), Err(Invalid::TooBig));
}

#[test]
fn a_packet_that_was_cut_off_is_refused() {
    let (bus, to) = (bus("bus"), Destination::Everyone);
    let payload = packed(&bus, &to).payload;
    for length in 0..payload.len() {
        assert!(read(&bus, &to, payload.get(..length).unwrap()).is_err(), "cut at {length}");
    }
}

proptest! {
    #[test]
    fn any_change_of_a_packet_is_read_or_refused(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
    ) {
        let (bus, to) = (bus("bus"), Destination::Everyone);
        let mut payload = packed(&bus, &to).payload.to_vec();
        for (place, byte) in changes {
            *place.get_mut(&mut payload) = byte;
        }
        if let Ok((_, messages)) = read(&bus, &to, &payload) {
            prop_assert!(messages.len() <= 1 && messages.iter().all(|message| *message == goodbye()));
        }
    }
}
