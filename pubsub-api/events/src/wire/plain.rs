use super::row_span::{RowSpan, TextSpan};
use crate::Topic;

/// Checks whether this is a valid event in the plainest form: the five keys in [`encode`](super::encode)'s order and
/// no other, text in ASCII or nil, table and key within the first 64 KiB, and the topic of the frame.
/// [`EventRef::read`](super::EventRef::read) then accepts it as genuine, and without a stamp; call it for any other event.
/// Returns where the row is.
///
/// Nearly every event has this form, Dragonflow's own and Skimmer's, and this check takes a third of the time.
///
/// ```
/// use events::{Action, Event, SEND_ALL, wire};
///
/// let payload = wire::encode(&Event::new("lport", "port-1", Action::Set, "up", SEND_ALL))?;
/// assert!(wire::plain_row(b"D", &payload).is_some());
/// assert!(wire::plain_row(b"tenant", &payload).is_none());
/// # Ok::<(), events::Error>(())
/// ```
#[must_use]
#[inline]
pub fn plain_row(frame: &[u8], payload: &[u8]) -> Option<RowSpan> {
    let (topic, row) = topic_and_row(payload).filter(|_| payload.len() <= super::MAX_RECEIVED_BYTES)?;
    (topic == frame && is_topic(frame)).then_some(row)
}

fn is_topic(frame: &[u8]) -> bool {
    !frame.is_empty() && frame.len() <= Topic::longest(frame) && !frame.contains(&0)
}

/// Returns the topic and the row of an event in the plainest form.
#[inline]
fn topic_and_row(payload: &[u8]) -> Option<(&[u8], RowSpan)> {
    let (table, rest) = ascii_or_nil(payload.strip_prefix(b"\x85\xa5table")?)?;
    let table = TextSpan::within(payload, table)?;
    let (key, rest) = ascii_or_nil(rest.strip_prefix(b"\xa3key")?)?;
    let key = TextSpan::within(payload, key)?;
    let (action, rest) = text(rest.strip_prefix(b"\xa6action")?)?;
    let (_, rest) = ascii_or_nil(rest.strip_prefix(b"\xa5value")?)?;
    let (topic, rest) = text(rest.strip_prefix(b"\xa5topic")?)?;
    let is_plain = rest.is_empty() && action.is_ascii() && topic.is_ascii();
    is_plain.then(|| (topic, RowSpan::new(table, key, action)))
}

/// Reads a text of ASCII or nil. Returns the text and the bytes after it.
#[inline]
fn ascii_or_nil(bytes: &[u8]) -> Option<(Option<&[u8]>, &[u8])> {
    text_or_nil(bytes).filter(|(text, _)| text.is_none_or(<[u8]>::is_ascii))
}

/// Reads a text or nil. Returns the text and the bytes after it.
#[inline]
pub(super) fn text_or_nil(bytes: &[u8]) -> Option<(Option<&[u8]>, &[u8])> {
    match bytes {
        [0xc0, rest @ ..] => Some((None, rest)),
        _ => text(bytes).map(|(text, rest)| (Some(text), rest)),
    }
}

/// Reads a text of any form but str32, without a check of its bytes. Returns the text and the bytes after it.
#[inline]
pub(super) fn text(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = match bytes {
        [fixstr @ 0xa0..=0xbf, rest @ ..] => (usize::from(fixstr & 0x1f), rest),
        [0xd9, length, rest @ ..] => (usize::from(*length), rest),
        [0xda, high, low, rest @ ..] => (usize::from(u16::from_be_bytes([*high, *low])), rest),
        _ => return None,
    };
    rest.split_at_checked(length)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{Just, Strategy, any, prop, prop_assert_eq, prop_oneof, proptest};

    use super::plain_row;
    use crate::wire::{EventRef, encode};
    use crate::{Action, Event, SEND_ALL, Stamp, Topic, Value};

    #[test]
    fn an_event_of_the_five_keys_is_plain_and_any_other_is_left_to_reading() {
        let event = Event::new("lport", "k", Action::Set, "v", SEND_ALL);
        let stamp = Some(Stamp { publisher: 1, epoch: 2, sequence: 3, time_us: 4 });
        let long = |length| Value::Text("x".repeat(length));
        for (plain, event) in [
            (true, event.clone()),
            (true, Event { table: None, key: None, value: Value::Nil, ..event.clone() }),
            (true, Event { value: long(31), ..event.clone() }),
            (
                true,
                Event { value: long(65_535), topic: Topic::new("t".repeat(255)).unwrap(), ..event.clone() },
            ),
            (false, Event { value: long(65_536), ..event.clone() }),
            (false, Event { value: "ä".into(), ..event.clone() }),
            (false, Event { version: Some(1), ..event.clone() }),
            (false, Event { stamp, ..event.clone() }),
        ] {
            let payload = encode(&event).unwrap();
            assert_eq!(plain_row(event.topic.as_bytes(), &payload).is_some(), plain, "{event:?}");
            assert_eq!(plain_row(b"other", &payload), None);
            for length in 0..payload.len().min(100) {
                assert_eq!(plain_row(event.topic.as_bytes(), &payload[..length]), None, "cut at {length}");
            }
        }
    }

    fn text() -> impl Strategy<Value = Vec<u8>> {
        let bytes = prop::collection::vec(any::<u8>(), 0..40);
        prop_oneof![
            Just(b"\xc0".to_vec()),
            bytes,
            "[a-z\0]{0,40}".prop_map(|text| {
                let mut packed = Vec::new();
                rmp::encode::write_str(&mut packed, &text).unwrap();
                packed
            })
        ]
    }

    proptest! {
        /// An event that is reported plain passes the full check, too.
        #[test]
        fn what_is_plain_reads_as_genuine_and_without_stamp(
            frame in "[a-zD\0]{0,3}",
            texts in [text(), text(), text(), text(), text()],
            same in any::<bool>(),
        ) {
            let [table, key, action, value, mut topic] = texts;
            if same {
                topic.clear();
                rmp::encode::write_str(&mut topic, &frame).unwrap();
            }
            let parts: [&[u8]; 10] =
                [b"\x85\xa5table", &table, b"\xa3key", &key, b"\xa6action", &action, b"\xa5value", &value, b"\xa5topic", &topic];
            let payload = parts.concat();
            if plain_row(frame.as_bytes(), &payload).is_some() {
                let read = EventRef::read(frame.as_bytes(), &payload).unwrap();
                prop_assert_eq!((read.genuine, read.stamp), (true, None));
            }
        }
    }
}
