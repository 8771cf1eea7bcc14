//! The event that reports missed events to a genuine Dragonflow agent: `sync`, which it answers with a full sync
//! (docs/dragonflow.md#events, docs/design.md#when-a-queue-is-full).

use pubsub_api::{Action, Envelope, Event, SEND_ALL, Value};

/// The payload of a `sync` on topic `D`, about no row.
pub(crate) fn sync_event() -> Vec<u8> {
    let action = Action::Other("sync".to_owned());
    let event = Event { table: None, key: None, ..Event::new("", "", action, Value::Nil, SEND_ALL) };
    // An event of a few bytes always packs.
    Envelope::pack(&event).map(|envelope| envelope.payload.to_vec()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use pubsub_api::wire::EventRef;

    use super::sync_event;

    #[test]
    fn a_sync_is_an_event_about_no_row_that_old_readers_take() {
        let payload = sync_event();
        let read = EventRef::read(b"D", &payload).unwrap();
        assert_eq!((read.table, read.key, read.action, read.value), (None, None, "sync", &b"\xc0"[..]));
        assert!(read.genuine);
    }
}
