use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use delivery::subscriber::{DeliveryMode, Feed, FeedOptions, Item};
use pubsub_api::wire::EventRef;
use pubsub_api::{Notice, Value};
use table::Table;

use crate::database::{Database, KEYS, TABLE, topic_of};
use crate::validators::Validators;

/// The application: a feed, a table, and a database to compare with.
#[derive(Debug)]
pub(crate) struct Subscriber {
    pub(crate) feed: Feed,
    table: Table,
    validators: Validators,
    /// Publishers that it has seen: at the first sight it compares everything.
    met: HashSet<String>,
    /// The values that it was given, in order.
    pub(crate) applied: Vec<String>,
}

impl Subscriber {
    pub(crate) fn new(options: FeedOptions) -> Self {
        Self {
            feed: Feed::new(options),
            table: Table::default(),
            validators: Validators::default(),
            met: HashSet::new(),
            applied: Vec::new(),
        }
    }

    /// Takes all that waits.
    pub(crate) fn take_all(&mut self, database: &Database, now: Duration) -> Result<(), String> {
        self.table.tick(now);
        while let Some(item) = self.feed.next_item() {
            self.validators.check(&item)?;
            self.take(item, database)?;
        }
        for queue in self.feed.queues() {
            if queue.depth > queue.bound {
                return Err(format!("bounded: {queue:?}"));
            }
        }
        Ok(())
    }

    fn take(&mut self, item: Item, database: &Database) -> Result<(), String> {
        match item {
            Item::Event { envelope, mode } => {
                let event = EventRef::read(envelope.topic.as_bytes(), &envelope.payload)
                    .map_err(|e| e.to_string())?;
                let event = event.to_event();
                if let Value::Text(value) = &event.value {
                    self.applied.push(value.clone());
                }
                self.table.merge(&Arc::new(event), mode);
            }
            Item::Snapshot(snapshot) => {
                self.table.replace(&snapshot);
            }
            Item::Notice(Notice::Resync { topic, .. }) => self.compare(database, topic.as_deref()),
            Item::Notice(Notice::Subscribed { publisher, .. }) => {
                if self.met.insert(publisher) {
                    self.compare(database, None);
                }
            }
            Item::Clock(clock) => self.table.clock(clock),
            Item::Notice(_) => {}
        }
        Ok(())
    }

    /// Compares the rows of a topic, or all, with the database, which is right: also about rows that are gone, so that an old
    /// event of another publisher that comes later does not bring them back.
    fn compare(&mut self, database: &Database, topic: Option<&str>) {
        for key in (0..KEYS).filter(|key| topic.is_none_or(|topic| topic == topic_of(*key).as_str())) {
            self.table.merge(&Arc::new(database.event(key)), DeliveryMode::Unverified);
        }
    }

    /// Whether its table is the database.
    pub(crate) fn equals(&self, database: &Database) -> Result<(), String> {
        for key in 0..KEYS {
            let has = self.table.get(TABLE, &format!("k{key}")).map(|row| row.value.clone());
            let wanted = database.rows.get(&key).map(|value| Value::Text(value.to_string()));
            if has != wanted {
                return Err(format!("convergent: k{key} is {has:?}, in the database {wanted:?}"));
            }
        }
        Ok(())
    }
}
