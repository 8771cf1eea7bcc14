use std::time::Duration;

use clap::Args;
use pubsub_api::wire::EventRef;
use recording::RecordedItem;
use settings::parse_duration;

/// Which entries are played.
#[derive(Debug, Clone, Args)]
pub(super) struct Selection {
    /// Leave out what was recorded earlier than this after the first entry
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    from: Option<Duration>,

    /// Leave out what was recorded later than this after the first entry
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    to: Option<Duration>,

    /// Play this topic only; may be repeated
    #[arg(long = "topic", value_name = "TOPIC")]
    topics: Vec<String>,

    /// Play this table only; may be repeated
    #[arg(long = "table", value_name = "TABLE")]
    tables: Vec<String>,
}

/// The times that are played, after the first entry of the recording.
pub(super) struct Window {
    from: Duration,
    to: Duration,
    first_ns: Option<u64>,
}

impl Selection {
    pub(super) fn window(&self) -> Window {
        Window { from: self.from.unwrap_or_default(), to: self.to.unwrap_or(Duration::MAX), first_ns: None }
    }

    /// Whether an entry has a topic and a table that are played; a notice has neither.
    pub(super) fn has(&self, entry: &RecordedItem) -> bool {
        let RecordedItem::Event { envelope, .. } = entry else { return true };
        let topic = envelope.topic.as_str();
        let has_topic = self.topics.is_empty() || self.topics.iter().any(|one| one == topic);
        let has_table = || {
            let event = EventRef::read(topic.as_bytes(), &envelope.payload).ok();
            event
                .and_then(|event| event.table)
                .is_some_and(|table| self.tables.iter().any(|one| one == table))
        };
        has_topic && (self.tables.is_empty() || has_table())
    }
}

impl Window {
    /// Whether an entry that came at this time is played. The first call sets the begin.
    pub(super) fn has(&mut self, at_ns: u64) -> bool {
        let first = *self.first_ns.get_or_insert(at_ns);
        let after = Duration::from_nanos(at_ns.saturating_sub(first));
        (self.from..=self.to).contains(&after)
    }
}
