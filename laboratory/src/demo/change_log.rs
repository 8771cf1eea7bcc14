use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::Path;
use std::sync::Arc;

use pubsub_api::wire::EventRef;
use pubsub_api::{Envelope, Error, ErrorKind, Event, Result};
use recording::{RecordedItem, Recording};
use service_kit::json;
use subscriber_agent::Table;

/// The recorded day: the events that Dragonflow's own code and models published.
const RECORDED: &str = include_str!("../../../etc/change-log.jsonl");

/// The largest number of events of a recording: the demo holds them in memory, some times over.
const MAX_EVENTS: usize = 200_000;

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
            log.add(json::from_line(line)?)?;
        }
        Ok(log)
    }

    /// The events of a recording, in the order of their arrival.
    pub(super) fn of_recording(path: &Path) -> Result<Self> {
        let mut log = Self { lines: Vec::new(), events: Vec::new() };
        for entry in Recording::open(path)? {
            if let RecordedItem::Event { envelope, .. } =
                entry.map_err(|error| error.context(path.display()))?.entry
            {
                log.add(
                    playable(&envelope)
                        .map_err(|why| Error::new(ErrorKind::Invalid, why).context(path.display()))?,
                )?;
            }
            if log.len() > MAX_EVENTS {
                let text = format!(
                    "the recording has more than {MAX_EVENTS} events, which the demo holds in memory"
                );
                return Err(Error::new(ErrorKind::Invalid, text).context(path.display()));
            }
        }
        if log.len() == 0 {
            return Err(Error::new(ErrorKind::Invalid, "the recording has no events").context(path.display()));
        }
        Ok(log)
    }

    fn add(&mut self, event: Event) -> Result<()> {
        self.lines.push(json::to_line(&event)?);
        self.events.push(Arc::new(event));
        Ok(())
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

/// The event of an envelope, if a worker can publish it.
fn playable(envelope: &Envelope) -> std::result::Result<Event, String> {
    let event =
        EventRef::read(envelope.topic.as_bytes(), &envelope.payload).map_err(|error| error.to_string())?;
    if event.sealed.is_some() {
        return Err(
            "it has sealed events, which nobody can publish again: record with the keyring".to_owned()
        );
    }
    Ok(event.to_event())
}
