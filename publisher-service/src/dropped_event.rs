use pubsub_api::EncodedEvent;
use pubsub_api::wire::EventRef;

/// The longest name in a log line, in characters; a longer one is cut.
const NAME_CHARS: usize = 64;

/// Describes a dropped event by topic, table, key and worker, as far as they can be read.
pub(crate) fn describe(event: EncodedEvent<'_>) -> String {
    let mut text = format!("an event on topic {}", name(&String::from_utf8_lossy(event.topic)));
    if let Ok(read) = EventRef::read(event.topic, event.payload) {
        let part = |part: Option<&str>| part.map_or_else(|| "none".to_owned(), name);
        text += &format!(", table {}, key {}", part(read.table), part(read.key));
    }
    if let Some(origin) = event.origin {
        text += &format!(", sequence number {} of worker {:016x}", origin.number, origin.worker);
    }
    text
}

/// `text` in quotation marks, with control characters escaped, cut at `NAME_CHARS`.
fn name(text: &str) -> String {
    let end = text.char_indices().nth(NAME_CHARS).map_or(text.len(), |(end, _)| end);
    let (kept, cut) = text.split_at_checked(end).unwrap_or((text, ""));
    if cut.is_empty() { format!("{kept:?}") } else { format!("{kept:?}…") }
}

#[cfg(test)]
mod tests {
    use pubsub_api::{Action, EncodedEvent, Envelope, Event, Topic, WorkerPosition};

    use super::describe;

    #[test]
    fn a_dropped_event_is_named_by_topic_table_key_and_worker() {
        let event = Event::new("lport", "port-1", Action::Set, "v", Topic::new("tenant-1").unwrap());
        let Envelope { topic, payload } = Envelope::pack(&event).unwrap();
        let origin = Some(WorkerPosition { worker: 0xab, number: 7, sent_before: false });
        let encoded = EncodedEvent { topic: topic.as_bytes(), payload: &payload, origin, row: None };
        let wanted = "an event on topic \"tenant-1\", table \"lport\", key \"port-1\", sequence number 7 of worker 00000000000000ab";
        assert_eq!(describe(encoded), wanted);
    }

    #[test]
    fn an_unreadable_event_is_described_by_its_topic_with_control_characters_escaped() {
        let topic = format!("\u{1b}[31m{}", "x".repeat(100));
        let encoded = EncodedEvent { topic: topic.as_bytes(), payload: b"\xc1", origin: None, row: None };
        let text = describe(encoded);
        assert!(text.starts_with("an event on topic \"\\u{1b}[31mxxx") && text.ends_with("xx\"…"), "{text}");
        assert!(text.len() < 120);
    }
}
