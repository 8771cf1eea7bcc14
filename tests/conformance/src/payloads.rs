//! Which payloads are allowed, and that they arrive unchanged.

use bytes::Bytes;
use pubsub_api::wire::{EventRef, MAX_EVENT_BYTES, MAX_RECEIVED_BYTES};
use pubsub_api::{Action, Envelope, ErrorKind, Event, Stamp, Topic, Value};

use crate::check::{case, ensure};
use crate::receiver::topic;
use crate::{Case, Fixture, Outcome, Receiver, Sender};

pub(crate) const CASES: &[Case] = &[
    case!(Both, an_event_of_one_mebibyte_arrives),
    case!(Both, an_event_one_byte_too_large_is_refused_with_both_sizes),
    case!(Both, the_largest_payload_arrives_and_one_byte_more_is_invalid),
    case!(Both, empty_values_arrive_empty),
    case!(Both, any_msgpack_value_arrives_unchanged),
    case!(Both, stamp_and_version_arrive_unchanged),
    case!(Both, a_payload_that_is_not_an_event_map_arrives_unchanged),
    case!(Both, send_event_refuses_reserved_topics),
];

async fn linked(fixture: &Fixture) -> Outcome<(Sender, Receiver)> {
    fixture.linked(&[topic("a")?]).await
}

fn event(value: impl Into<Value>) -> Outcome<Event> {
    Ok(Event::new("lport", "port-1", Action::Set, value, Topic::new("a")?))
}

/// An event whose packed size is `bytes`.
fn event_of(bytes: usize) -> Outcome<Event> {
    let packed = Envelope::pack(&event("x".repeat(bytes - 1_000))?)?.payload.len();
    event("x".repeat(bytes - 1_000 + bytes - packed))
}

/// Sends the event; exactly its bytes must arrive.
async fn travels(sender: &Sender, receiver: &Receiver, event: &Event) -> Outcome {
    sender.send_event(event).await?;
    arrives(receiver, &Envelope::pack(event)?).await
}

async fn arrives(receiver: &Receiver, sent: &Envelope) -> Outcome {
    let came = receiver.envelope("the event that was sent").await?;
    let length = (sent.payload.len(), came.payload.len());
    ensure!(came.topic == sent.topic, "it was sent on {:?}, but arrived on {:?}", sent.topic, came.topic);
    ensure!(
        came.payload == sent.payload,
        "the bytes must arrive unchanged: {length:?} bytes sent and received"
    );
    Ok(())
}

/// The limit of an event map is 1 MiB.
async fn an_event_of_one_mebibyte_arrives(fixture: Fixture) -> Outcome {
    let (sender, receiver) = linked(&fixture).await?;
    let event = event_of(MAX_EVENT_BYTES)?;
    let length = Envelope::pack(&event)?.payload.len();
    ensure!(
        length == MAX_EVENT_BYTES,
        "defect of the case: it must make {MAX_EVENT_BYTES} bytes, but made {length}"
    );
    for _ in 0..3 {
        travels(&sender, &receiver, &event).await?;
    }
    Ok(())
}

/// An event above 1 MiB is `Invalid`, and nothing of it arrives.
async fn an_event_one_byte_too_large_is_refused_with_both_sizes(fixture: Fixture) -> Outcome {
    let (sender, receiver) = linked(&fixture).await?;
    let Value::Text(largest) = event_of(MAX_EVENT_BYTES)?.value else {
        return Err("the value must be text".into());
    };
    let error = match sender.send_event(&event(largest + "x")?).await {
        Err(error) if error.kind() == ErrorKind::Invalid => error.to_string(),
        other => {
            return Err(format!("one byte above the limit must be `Invalid`, but was {other:?}").into());
        }
    };
    for number in [MAX_EVENT_BYTES, MAX_EVENT_BYTES + 1] {
        ensure!(error.contains(&number.to_string()), "the error must contain {number}, but is: {error}");
    }
    travels(&sender, &receiver, &event("small")?).await
}

/// A payload above `MAX_RECEIVED_BYTES` is `Invalid`.
async fn the_largest_payload_arrives_and_one_byte_more_is_invalid(fixture: Fixture) -> Outcome {
    let (sender, receiver) = linked(&fixture).await?;
    let topic = Topic::new("a")?;
    match sender.send(&topic, Bytes::from(vec![0x5a; MAX_RECEIVED_BYTES + 1])).await {
        Err(error) if error.kind() == ErrorKind::Invalid => {}
        other => {
            return Err(format!("one byte above the limit must be `Invalid`, but was {other:?}").into());
        }
    }
    let payload = Bytes::from(vec![0x5a; MAX_RECEIVED_BYTES]);
    sender.send(&topic, payload.clone()).await?;
    arrives(&receiver, &Envelope { topic, payload }).await
}

/// An empty text is not nil, and both arrive unchanged.
async fn empty_values_arrive_empty(fixture: Fixture) -> Outcome {
    let (sender, receiver) = linked(&fixture).await?;
    for value in [Value::Text(String::new()), Value::Nil] {
        travels(&sender, &receiver, &event(value)?).await?;
    }
    travels(&sender, &receiver, &Event::new("", "", Action::Other(String::new()), "", Topic::new("a")?)).await
}

/// Any single msgpack value arrives with the same bytes.
async fn any_msgpack_value_arrives_unchanged(fixture: Fixture) -> Outcome {
    let (sender, receiver) = linked(&fixture).await?;
    for value in MSGPACK_VALUES {
        let event = event(Value::Other(Bytes::from_static(value)))?;
        let packed = Envelope::pack(&event)?;
        EventRef::read(b"a", &packed.payload)
            .map_err(|error| format!("defect of the case: it packs {value:x?}: {error}"))?;
        travels(&sender, &receiver, &event).await?;
    }
    Ok(())
}

/// One value of each family of <https://github.com/msgpack/msgpack/blob/master/spec.md>.
const MSGPACK_VALUES: &[&[u8]] = &[
    b"\xc2",
    b"\xc3",
    b"\x00",
    b"\x7f",
    b"\xff",
    b"\xcc\xff",
    b"\xcd\xff\xff",
    b"\xce\xff\xff\xff\xff",
    b"\xcf\xff\xff\xff\xff\xff\xff\xff\xff",
    b"\xd0\x80",
    b"\xd1\x80\x00",
    b"\xd2\x80\x00\x00\x00",
    b"\xd3\x80\x00\x00\x00\x00\x00\x00\x00",
    b"\xca\x7f\xc0\x00\x00",
    b"\xcb\x40\x09\x21\xfb\x54\x44\x2d\x18",
    b"\xa3abc",
    b"\xd9\x03abc",
    b"\xc4\x03\x00\xff\x80",
    b"\xc5\x00\x00",
    b"\x90",
    b"\x93\x01\xc0\xa1a",
    b"\xdc\x00\x01\x90",
    b"\x80",
    b"\x81\xa1k\x91\xc2",
    b"\xde\x00\x01\x01\x02",
    b"\xd4\x01\x00",
    b"\xd6\xff\x00\x00\x00\x01",
    b"\xc7\x03\x2a\x00\x01\x02",
    b"\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\xc0",
];

/// `stamp` and `version` arrive unchanged if the sender has set them.
async fn stamp_and_version_arrive_unchanged(fixture: Fixture) -> Outcome {
    let (sender, receiver) = linked(&fixture).await?;
    let stamp = Stamp { publisher: u64::MAX, epoch: 1, sequence: 2, time_us: 0 };
    let stamped = Event { stamp: Some(stamp), version: Some(u64::MAX), ..event("{}")? };
    travels(&sender, &receiver, &stamped).await?;
    travels(&sender, &receiver, &Event { version: Some(0), ..event("{}")? }).await
}

/// The driver transports bytes and does not check the map.
async fn a_payload_that_is_not_an_event_map_arrives_unchanged(fixture: Fixture) -> Outcome {
    let (sender, receiver) = linked(&fixture).await?;
    let topic = Topic::new("a")?;
    let noise: Vec<u8> =
        (0..100_000_u32).map(|number| (number.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    let payloads =
        [&b""[..], b"\x00", b"\xc1", b"no msgpack at all", b"\x80", b"\x91\xc0", b"\xdf\xff", &noise];
    for payload in payloads {
        let sent = Envelope { topic: topic.clone(), payload: Bytes::copy_from_slice(payload) };
        sender.send(&sent.topic, sent.payload.clone()).await?;
        arrives(&receiver, &sent).await?;
    }
    travels(&sender, &receiver, &event("{}")?).await
}

/// `send_event` is `Invalid` for a reserved topic.
async fn send_event_refuses_reserved_topics(fixture: Fixture) -> Outcome {
    let (sender, receiver) = linked(&fixture).await?;
    for name in ["$hello", "$mark.D", "$"] {
        match sender.publish(name, 1).await {
            Err(error) if error.kind() == ErrorKind::Invalid => {}
            other => {
                return Err(
                    format!("{name:?} is reserved, so it must be `Invalid`, but was {other:?}").into()
                );
            }
        }
    }
    travels(&sender, &receiver, &event("{}")?).await
}
