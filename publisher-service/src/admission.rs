use pubsub_api::wire::{EventRef, MAX_EVENT_BYTES, WireError};
use pubsub_api::{Envelope, wire};

/// Checks one event from a worker, and gives it as it is to be published.
///
/// The bytes go on as they came, untouched; only what a genuine Dragonflow reader would stumble over (a field left
/// out, bytes for text) is packed anew, without the keys that we do not know.
///
/// # Errors
/// The [`WireError`] that says why not: a reserved topic, a stamp (only the service gives them), or any wrong map.
pub fn admit(envelope: Envelope) -> Result<Envelope, WireError> {
    if envelope.topic.is_reserved() {
        return Err(WireError::ReservedTopic);
    }
    if envelope.payload.len() > MAX_EVENT_BYTES {
        return Err(WireError::TooBig);
    }
    let event = EventRef::read(envelope.topic.as_bytes(), &envelope.payload)?;
    if event.stamp.is_some() {
        return Err(WireError::Stamped);
    }
    if event.genuine {
        return Ok(envelope);
    }
    let payload = wire::encode(&event.to_event()).map_err(|_| WireError::TooBig)?;
    Ok(Envelope { topic: envelope.topic, payload })
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use pubsub_api::wire::{EventRef, WireError};
    use pubsub_api::{Action, Envelope, Event, SEND_ALL, Stamp, Topic};

    use super::admit;

    fn event() -> Event {
        Event::new("lport", "k", Action::Set, "v", SEND_ALL)
    }

    #[test]
    fn a_good_event_goes_on_in_the_very_bytes_that_came() {
        let envelope = Envelope::pack(&event()).unwrap();
        assert_eq!(admit(envelope.clone()), Ok(envelope));
    }

    #[test]
    fn keys_that_we_do_not_know_stay_in_a_good_event() {
        let packed = Envelope::pack(&event()).unwrap();
        let mut with_extra = vec![0x86];
        with_extra.extend_from_slice(&packed.payload[1..]);
        with_extra.extend_from_slice(b"\xa2tp\xa3abc");
        let envelope = Envelope { topic: SEND_ALL, payload: Bytes::from(with_extra) };
        assert_eq!(admit(envelope.clone()), Ok(envelope));
    }

    #[test]
    fn what_old_readers_would_stumble_over_is_packed_anew() {
        let packed = Envelope::pack(&event()).unwrap();
        let without_topic = [&[0x84], &packed.payload[1..packed.payload.len() - 8]].concat();
        let envelope = Envelope { topic: SEND_ALL, payload: Bytes::from(without_topic) };
        assert_eq!(admit(envelope), Ok(packed));
    }

    #[test]
    fn reserved_topics_stamps_and_wrong_maps_are_refused_by_cause() {
        let mut stamped = event();
        stamped.stamp = Some(Stamp { publisher: 1, epoch: 2, sequence: 3, time_us: 4 });
        let hello = Event { topic: Topic::new("$hello").unwrap(), ..event() };
        let elsewhere =
            Envelope { topic: Topic::new("tenant").unwrap(), ..Envelope::pack(&event()).unwrap() };
        let junk = Envelope { topic: SEND_ALL, payload: Bytes::from_static(b"junk") };
        for (wanted, envelope) in [
            (WireError::Stamped, Envelope::pack(&stamped).unwrap()),
            (WireError::ReservedTopic, Envelope::pack(&hello).unwrap()),
            (WireError::TopicMismatch, elsewhere),
            (WireError::NotAMap, junk),
        ] {
            assert_eq!(admit(envelope), Err(wanted));
        }
        assert!(EventRef::read(b"D", b"").is_err());
    }
}
