use bytes::Bytes;
use northbound::PUBLISHER_TABLE;
use pubsub_api::wire::{EventRef, MAX_EVENT_BYTES, RowSpan, WireError};
use pubsub_api::{Action, Edit, EncodedEvent, wire};

/// The pair that is implied when an event has no topic.
const SEND_ALL_PAIR: &[u8] = b"\xa5topic\xa1D";

/// Checks one event from a worker and returns the edit that its payload needs.
///
/// It notes where the row is in the payload, which the snapshots of the publisher need as well. The bytes are forwarded unchanged, except where Dragonflow's reader would fail: a missing topic is appended after the
/// other keys, and an event with binary values in place of text is encoded again, without unknown keys.
///
/// # Errors
/// The [`WireError`] for a reserved topic, a stamp or a sealed value (only the service stamps and seals events), a row of the
/// directory of publishers (agents connect to the address in it; its removal is allowed), or an invalid map.
///
/// ```
/// use publisher_service::admit;
/// use pubsub_api::wire::{self, WireError};
/// use pubsub_api::{Action, Edit, EncodedEvent, Event, SEND_ALL, Stamp};
///
/// let event = Event::new("lport", "port-1", Action::Set, "up", SEND_ALL);
/// let payload = wire::encode(&event)?;
/// let admitted = admit(EncodedEvent { topic: b"D", payload: &payload, origin: None, row: None })?;
/// assert!(matches!(admitted, Edit::Note(row) if row.table(&payload) == Some(&b"lport"[..])));
/// let reserved = EncodedEvent { topic: b"$hello", payload: &payload, origin: None, row: None };
/// assert_eq!(admit(reserved), Err(WireError::ReservedTopic));
///
/// let stamp = Some(Stamp { publisher: 7, epoch: 1, sequence: 1, time_us: 0 });
/// let payload = wire::encode(&Event { stamp, ..event })?;
/// let stamped = EncodedEvent { topic: b"D", payload: &payload, origin: None, row: None };
/// assert_eq!(admit(stamped), Err(WireError::Stamped));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn admit(event: EncodedEvent<'_>) -> Result<Edit, WireError> {
    let EncodedEvent { topic, payload, .. } = event;
    if topic.first() == Some(&b'$') {
        return Err(WireError::ReservedTopic);
    }
    if payload.len() > MAX_EVENT_BYTES {
        return Err(WireError::TooBig);
    }
    if let Some(edit) = admit_plain(event) {
        return Ok(edit);
    }
    let event = EventRef::read(topic, payload)?;
    // A removal names no address, and agents keep a publisher to which they are connected: `skimmer service leave` sends it.
    if event.table == Some(PUBLISHER_TABLE) && event.action != Action::Delete.as_str() {
        return Err(WireError::ReservedTable);
    }
    if event.stamp.is_some() {
        return Err(WireError::Stamped);
    }
    if event.sealed.is_some() {
        return Err(WireError::Sealed);
    }
    if event.genuine {
        return Ok(RowSpan::of(&event, payload).map_or(Edit::Keep, Edit::Note));
    }
    if event.lacks_only_topic {
        let mut completed = Vec::new();
        wire::append_pairs(payload, 1, SEND_ALL_PAIR, &mut completed)?;
        return Ok(Edit::Replace(Bytes::from(completed)));
    }
    wire::encode(&event.to_event()).map(Edit::Replace).map_err(|_| WireError::TooBig)
}

/// The same for an event in the plainest form; `None` for any other, and for one that is refused.
#[inline]
pub(crate) fn admit_plain(event: EncodedEvent<'_>) -> Option<Edit> {
    let EncodedEvent { topic, payload, .. } = event;
    let is_candidate = topic.first() != Some(&b'$') && payload.len() <= MAX_EVENT_BYTES;
    let row = wire::plain_row(topic, payload).filter(|_| is_candidate)?;
    (row.table(payload) != Some(PUBLISHER_TABLE.as_bytes())).then_some(Edit::Note(row))
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use pubsub_api::wire::{EventRef, MAX_EVENT_BYTES, RowRef, WireError};
    use pubsub_api::{Action, Edit, EncodedEvent, Envelope, Event, SEND_ALL, Stamp, Topic};

    use super::admit;

    fn event() -> Event {
        Event::new("lport", "k", Action::Set, "v", SEND_ALL)
    }

    /// The result; `Keep` for an event that is kept, whose row must be noted.
    fn admit_on(topic: &[u8], payload: &[u8]) -> Result<Edit, WireError> {
        let edit = admit(EncodedEvent { topic, payload, origin: None, row: None })?;
        let Edit::Note(row) = edit else { return Ok(edit) };
        let read = RowRef::find(payload).unwrap();
        let name = read.table.zip(read.key).filter(|_| read.action != b"sync");
        assert_eq!((row.table(payload), row.name(payload)), (read.table, name));
        assert_eq!(row.is_deleted(), name.is_some() && read.action == b"delete");
        Ok(Edit::Keep)
    }

    fn admit_packed_bytes(event: &Event) -> Bytes {
        Envelope::pack(event).unwrap().payload
    }

    fn admit_packed(event: &Event) -> Result<Edit, WireError> {
        let Envelope { topic, payload } = Envelope::pack(event).unwrap();
        admit_on(topic.as_bytes(), &payload)
    }

    /// A map of `pairs` pairs: those of the event without its topic, then `more`.
    fn without_topic(event: &Event, pairs: u8, more: &[u8]) -> Vec<u8> {
        let packed = Envelope::pack(event).unwrap().payload;
        [&[0x80 | pairs], &packed[1..packed.len() - b"\xa5topic\xa1D".len()], more].concat()
    }

    #[test]
    fn a_valid_event_is_forwarded_byte_for_byte() {
        assert_eq!(admit_packed(&event()), Ok(Edit::Keep));
    }

    #[test]
    fn unknown_keys_stay_in_a_valid_event() {
        let packed = Envelope::pack(&event()).unwrap();
        let with_extra = [&[0x86], &packed.payload[1..], b"\xa2tp\xa3abc"].concat();
        assert_eq!(admit_on(b"D", &with_extra), Ok(Edit::Keep));
    }

    #[test]
    fn a_nil_topic_as_dragonflow_writes_it_is_forwarded_unchanged() {
        let nil = without_topic(&event(), 5, b"\xa5topic\xc0");
        assert_eq!(admit_on(b"D", &nil), Ok(Edit::Keep));
    }

    #[test]
    fn a_missing_topic_is_appended_after_the_other_keys() {
        let packed = Envelope::pack(&event()).unwrap();
        assert_eq!(admit_on(b"D", &without_topic(&event(), 4, b"")), Ok(Edit::Replace(packed.payload)));

        let completed = without_topic(&event(), 6, b"\xa2tp\xa3abc\xa5topic\xa1D");
        let received = without_topic(&event(), 5, b"\xa2tp\xa3abc");
        assert_eq!(admit_on(b"D", &received), Ok(Edit::Replace(Bytes::from(completed))));

        let empty = without_topic(&Event { value: "".into(), ..event() }, 4, b"");
        let before_value = &empty[..empty.len() - 1];
        let room = MAX_EVENT_BYTES - before_value.len() - 5;
        let length = u32::try_from(room).unwrap().to_be_bytes();
        let largest = [before_value, &[0xdb], &length, "x".repeat(room).as_bytes()].concat();
        assert_eq!(largest.len(), MAX_EVENT_BYTES);
        assert!(
            matches!(admit_on(b"D", &largest), Ok(Edit::Replace(_))),
            "the size limit applies to the event as sent"
        );
    }

    #[test]
    fn an_event_with_binary_in_place_of_text_is_encoded_again() {
        let packed = Envelope::pack(&event()).unwrap().payload;
        let key = packed.windows(6).position(|window| window == b"\xa3key\xa1k").unwrap() + 4;
        let binary = [&packed[..key], b"\xc4\x01k", &packed[key + 2..]].concat();
        assert_eq!(admit_on(b"D", &binary), Ok(Edit::Replace(packed)));
    }

    #[test]
    fn a_row_of_the_directory_is_refused_in_every_form() {
        let packed = admit_packed_bytes(&Event { table: Some("publisher".to_owned()), ..event() });
        assert_eq!(admit_on(b"D", &packed), Err(WireError::ReservedTable));
        let (head, rest) = packed.split_at(b"\x85\xa5table".len());
        for length in [&b"\xd9\x09"[..], b"\xda\0\x09", b"\xdb\0\0\0\x09", b"\xc4\x09"] {
            let other_form = [head, length, &rest[1..]].concat();
            assert_eq!(admit_on(b"D", &other_form), Err(WireError::ReservedTable), "{length:?}");
        }
        let with_extra = [&[0x86], &packed[1..], b"\xa2tp\xa3abc"].concat();
        assert_eq!(admit_on(b"D", &with_extra), Err(WireError::ReservedTable));
        let removed = Event { table: Some("publisher".to_owned()), action: Action::Delete, ..event() };
        assert_eq!(admit_packed(&removed), Ok(Edit::Keep), "it names no address");
        let longer = Event { table: Some("publishers".to_owned()), ..event() };
        assert_eq!(admit_packed(&longer), Ok(Edit::Keep));
    }

    #[test]
    fn reserved_topics_stamps_and_invalid_maps_are_refused_by_cause() {
        let stamp = Some(Stamp { publisher: 1, epoch: 2, sequence: 3, time_us: 4 });
        assert_eq!(admit_packed(&Event { stamp, ..event() }), Err(WireError::Stamped));
        let packed = Envelope::pack(&event()).unwrap().payload;
        let pair = [b"\xa6sealed\x93\xa22a\xc4\x18", &[0; 24][..], b"\xc4\x01x"].concat();
        let sealed = [&[0x86], &packed[1..], &pair].concat();
        assert_eq!(admit_on(b"D", &sealed), Err(WireError::Sealed));
        let hello = Event { topic: Topic::new("$hello").unwrap(), ..event() };
        assert_eq!(admit_packed(&hello), Err(WireError::ReservedTopic));
        let packed = Envelope::pack(&event()).unwrap().payload;
        for (wanted, topic, payload) in [
            (WireError::TopicMismatch, &b"tenant"[..], &packed[..]),
            (WireError::TopicMismatch, b"\xff", &packed),
            (WireError::TopicMismatch, b"", &packed),
            (WireError::NotAMap, b"D", b"junk"),
            (WireError::TooBig, b"D", &vec![0; MAX_EVENT_BYTES + 1]),
        ] {
            assert_eq!(admit_on(topic, payload), Err(wanted));
        }
        assert!(EventRef::read(b"D", b"").is_err());
    }
}
