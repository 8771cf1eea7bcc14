use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use pubsub_api::{Event, Result};
use service_kit::json;
use subscriber_agent::Table;

/// The recorded day: the events that Dragonflow's own code and models published.
const RECORDED: &str = include_str!("../../../etc/change-log.jsonl");

/// A change log, read and checked.
pub(super) struct ChangeLog {
    lines: Vec<String>,
    events: Vec<Arc<Event>>,
}

impl ChangeLog {
    /// The log that comes with the program.
    pub(super) fn recorded() -> Result<Self> {
        let mut log = Self { lines: Vec::new(), events: Vec::new() };
        for line in RECORDED.lines() {
            let event = json::from_line(line)?;
            log.lines.push(json::to_line(&event)?);
            log.events.push(Arc::new(event));
        }
        Ok(log)
    }

    pub(super) fn len(&self) -> usize {
        self.lines.len()
    }

    /// The events as lines, written as the agent writes them.
    pub(super) fn lines(&self) -> impl Iterator<Item = &str> {
        self.lines.iter().map(String::as_str)
    }

    /// The worker of an event. All events of a key have the same worker, so that they stay in order.
    pub(super) fn shard(&self, index: usize, workers: usize) -> usize {
        let mut hasher = DefaultHasher::new();
        self.events.get(index).map(|event| &event.key).hash(&mut hasher);
        usize::try_from(hasher.finish() % workers.max(1) as u64).unwrap_or_default()
    }

    /// The table at the end of the day.
    pub(super) fn fold(&self) -> Table {
        let mut table = Table::default();
        self.events.iter().for_each(|event| table.apply(event));
        table
    }
}
