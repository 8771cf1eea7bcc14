use msgpack::{Head, Reader};
use pubsub_api::Envelope;
use pubsub_api::wire::EventRef;

/// The event with a value that shows nothing but its length: each byte of a text is an `x`, and a value of another kind is nil.
///
/// Table, key, action, topic, stamp, version and unknown keys stay. A sealed event stays as it is, and so does a payload that is
/// no event.
///
/// ```
/// use pubsub_api::{Action, Envelope, Event, SEND_ALL};
///
/// let envelope = Envelope::pack(&Event::new("lport", "port-1", Action::Set, "secret", SEND_ALL))?;
/// let shown = Envelope::pack(&Event::new("lport", "port-1", Action::Set, "xxxxxx", SEND_ALL))?;
/// assert_eq!(recording::redacted(&envelope), shown);
/// # Ok::<(), pubsub_api::Error>(())
/// ```
#[must_use]
pub fn redacted(envelope: &Envelope) -> Envelope {
    let Envelope { topic, payload } = envelope;
    let replaced = EventRef::read(topic.as_bytes(), payload).ok().and_then(|event| {
        let begin = begin_of(event.value, payload)?;
        let end = begin.checked_add(event.value.len())?;
        Some([payload.get(..begin)?, &shown(event.value), payload.get(end..)?].concat())
    });
    Envelope { topic: topic.clone(), payload: replaced.map_or_else(|| payload.clone(), Into::into) }
}

/// Where a part of the payload begins.
fn begin_of(part: &[u8], payload: &[u8]) -> Option<usize> {
    (part.as_ptr() as usize).checked_sub(payload.as_ptr() as usize)
}

fn shown(value: &[u8]) -> Vec<u8> {
    match Reader::new(value).head() {
        Ok(Head::Text(text)) => {
            let head = value.get(..value.len().saturating_sub(text.len())).unwrap_or_default();
            [head, &vec![b'x'; text.len()]].concat()
        }
        _ => vec![0xc0],
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use pubsub_api::{Action, Envelope, Event, SEND_ALL, Value, wire};

    use super::redacted;

    fn value_of(value: Value) -> Value {
        let event = Event { value, ..Event::new("t", "k", Action::Set, None, SEND_ALL) };
        let shown = redacted(&Envelope::pack(&event).unwrap());
        wire::EventRef::read(b"D", &shown.payload).unwrap().to_event().value
    }

    #[test]
    fn a_text_keeps_its_length_only_and_any_other_value_becomes_nil() {
        assert_eq!(value_of("geheim".into()), Value::Text("xxxxxx".into()));
        assert_eq!(value_of("\u{e9}".repeat(40_000).into()), Value::Text("x".repeat(80_000)));
        assert_eq!(value_of(Value::Other(Bytes::from_static(b"\x92\xa1a\x07"))), Value::Nil);
        assert_eq!(value_of(Value::Other(Bytes::from_static(b"\xc4\x01a"))), Value::Nil);
        assert_eq!(value_of(Value::Nil), Value::Nil);
    }
}
