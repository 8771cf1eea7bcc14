use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use pubsub_api::database::{DbApi, RowName};
use pubsub_api::{Action, Error, ErrorKind, Event, Publisher, Result, SEND_ALL, Status, Topic};
use serde_json::{Map, Value};

use crate::published::{Published, publish};
use crate::readings::Readings;
use crate::{NorthboundOptions, Object, OnUnpublished};

/// Objects of the control plane: each change is written to the database, and then published.
///
/// Whoever uses it initializes and closes database and publisher. Calls may be made at once, and from several processes: a
/// change never overwrites one that it has not seen.
///
/// # Cancel safety
/// A call whose future is dropped may leave a row written whose event was not published: let it end, or let a table monitor
/// find it.
#[derive(Debug)]
pub struct Northbound {
    database: Arc<dyn DbApi>,
    publisher: Arc<dyn Publisher>,
    options: NorthboundOptions,
    readings: Readings,
}

/// What came of an update.
#[derive(Debug, Clone, PartialEq)]
pub enum Updated {
    /// The object as it is now.
    Changed(Object),
    /// The object as it was: nothing was written, nothing published.
    Unchanged(Object),
}

/// A row that was written.
struct Written<'a> {
    row: RowName<'a>,
    before: Option<Bytes>,
    now: Option<Bytes>,
}

/// So often a change is tried again because another writer was faster.
const ATTEMPTS: usize = 16;

impl Northbound {
    /// For a database and a publisher.
    #[must_use]
    pub fn new(database: Arc<dyn DbApi>, publisher: Arc<dyn Publisher>, options: NorthboundOptions) -> Self {
        Self { database, publisher, options, readings: Readings::default() }
    }

    /// Creates an object, as version 1 if it has none; it is returned as it was written. Doing so again is success, and
    /// publishes it again: nobody knows whether the first time did.
    ///
    /// # Errors
    /// [`ErrorKind::AlreadyExists`] if its row holds something else; those of the database, of the publisher, and as in the
    /// [overview](crate).
    pub async fn create(&self, object: Object) -> Result<Object> {
        let object = match object.version() {
            Some(_) => object,
            None => object.with_version(1),
        };
        let (row, json) = (object.row(), object.to_json());
        match self.database.create_key(row, json.clone(), false).await {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                if self.database.get_key(row).await? != json {
                    return Err(error);
                }
                self.readings.repeated.add(1);
            }
            Err(error) if error.kind() == ErrorKind::InDoubt => {
                return Err(self.take_back(row, &json, error).await);
            }
            created => created?,
        }
        let event = self.event(&object, Action::Create, Some(&json));
        self.publish(event, Written { row, before: None, now: Some(json) }).await?;
        Ok(object)
    }

    /// Deletes again what a create may have written whose answer was lost (seed 004, case 1); if it is not there, it may still
    /// come.
    async fn take_back(&self, row: RowName<'_>, json: &[u8], lost: Error) -> Error {
        if !self.database.compare_and_set(row, Some(json), None).await.is_ok_and(|done| done) {
            return lost;
        }
        self.readings.taken_back.add(1);
        let text = format!("the answer to creating row {row} was lost; it was there, and is deleted again");
        Error::new(ErrorKind::Unavailable, text).with_source(lost)
    }

    /// Changes fields of an object; null changes nothing, and neither do `id`, `topic` and `version`. With
    /// `expected_version`, only if that is the version that it has.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`]; [`ErrorKind::Conflict`] for another version, or if other writers were faster time and again;
    /// those of the database, of the publisher, and as in the [overview](crate).
    pub async fn update(
        &self,
        row: RowName<'_>,
        changes: &Map<String, Value>,
        expected_version: Option<u64>,
    ) -> Result<Updated> {
        for _ in 0..ATTEMPTS {
            let (before, object) = self.read(row, expected_version).await?;
            let Some(changed) = object.changed(changes) else {
                self.readings.unchanged.add(1);
                return Ok(Updated::Unchanged(object));
            };
            let (exact, json) = (exact(row, &object), changed.to_json());
            if self.database.compare_and_set(exact, Some(&before), Some(json.clone())).await? {
                let event = self.event(&changed, Action::Set, Some(&json));
                self.publish(event, Written { row: exact, before: Some(before), now: Some(json) }).await?;
                return Ok(Updated::Changed(changed));
            }
        }
        Err(conflict(row, format!("other writers were faster {ATTEMPTS} times")))
    }

    /// Deletes an object, with `expected_version` only if that is the version that it has; it is returned as it was.
    ///
    /// # Errors
    /// As [`update`](Self::update).
    pub async fn delete(&self, row: RowName<'_>, expected_version: Option<u64>) -> Result<Object> {
        for _ in 0..ATTEMPTS {
            let (before, object) = self.read(row, expected_version).await?;
            let exact = exact(row, &object);
            if self.database.compare_and_set(exact, Some(&before), None).await? {
                let event = self.event(&object, Action::Delete, None);
                self.publish(event, Written { row: exact, before: Some(before), now: None }).await?;
                return Ok(object);
            }
        }
        Err(conflict(row, format!("other writers were faster {ATTEMPTS} times")))
    }

    /// An object, if it is there.
    ///
    /// # Errors
    /// Those of the database; [`ErrorKind::Invalid`] if its row holds no object.
    pub async fn get(&self, row: RowName<'_>) -> Result<Option<Object>> {
        match self.read(row, None).await {
            Ok((_, object)) => Ok(Some(object)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The objects of a table, on one topic or on all. Rows that hold none are left out, named in the log, and counted.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn get_all(&self, table: &str, topic: Option<&str>) -> Result<Vec<Object>> {
        let entries = self.database.get_all_entries(table, topic).await?;
        let object = |entry: pubsub_api::database::Entry| {
            let read = Object::parse(table, &entry.value);
            read.inspect_err(|error| self.tell_corrupt(table, &entry.place.key, error)).ok()
        };
        Ok(entries.into_iter().filter_map(object).collect())
    }

    /// Its own counters, without those of database and publisher.
    #[must_use]
    pub fn status(&self) -> Status {
        Status { counters: self.readings.read(), ..Status::default() }
    }

    async fn read(&self, row: RowName<'_>, expected_version: Option<u64>) -> Result<(Bytes, Object)> {
        let held = self.database.get_key(row).await?;
        let object = Object::parse(row.table, &held).map_err(|error| error.context(format!("row {row}")))?;
        match expected_version {
            Some(expected) if object.version() != Some(expected) => {
                let has = object.version().map_or_else(|| "none".to_owned(), |version| version.to_string());
                Err(conflict(row, format!("version {expected} was expected, and it has {has}")))
            }
            _ => Ok((held, object)),
        }
    }

    fn event(&self, object: &Object, action: Action, json: Option<&Bytes>) -> Event {
        let value = json.map(|json| String::from_utf8_lossy(json).into_owned());
        // A deletion ends the counting: the next object of this key begins at 1.
        let version = if action == Action::Delete { None } else { object.version() };
        let topic = object.topic().filter(|_| self.options.selective);
        // The object has checked it.
        let topic = topic.and_then(|topic| Topic::new(topic.to_owned()).ok()).unwrap_or(SEND_ALL);
        Event { version, ..Event::new(object.table(), object.id(), action, value, topic) }
    }

    async fn publish(&self, event: Event, written: Written<'_>) -> Result<()> {
        let (error, is_in_doubt) = match publish(&*self.publisher, &event, self.options.confirm_within).await
        {
            Published::Yes => {
                self.readings.changes.add(1);
                return Ok(());
            }
            Published::No(error) => (error, false),
            Published::InDoubt(error) => (error, true),
        };
        let row = written.row.to_string();
        let (cause, fate) = match self.options.on_unpublished {
            OnUnpublished::Undo => self.undo(&event, written, is_in_doubt).await,
            OnUnpublished::Leave => ("left", "it stays, for a table monitor to find".to_owned()),
        };
        if let Some(times) = self.readings.unpublished.count(cause, Instant::now()) {
            tracing::warn!(cause, times, "the change of row {row} could not be published: {error}");
        }
        let kind = if cause == "undone" { error.kind() } else { ErrorKind::InDoubt };
        Err(Error::new(kind, format!("row {row} was written, its event could not be published, and {fate}"))
            .with_source(error))
    }

    /// Puts back what the row held, unless another writer has it now; what became of the write, as a cause and in words.
    async fn undo(&self, event: &Event, written: Written<'_>, is_in_doubt: bool) -> (&'static str, String) {
        let Written { row, before, now } = written;
        match self.database.compare_and_set(row, now.as_deref(), before.clone()).await {
            Ok(true) if !is_in_doubt => ("undone", "the write was undone".to_owned()),
            Ok(true) => match publish(&*self.publisher, &inverse(event, before), self.options.confirm_within)
                .await
            {
                Published::Yes => ("undone", "the write was undone, and that was published, too".to_owned()),
                Published::No(error) | Published::InDoubt(error) => (
                    "undone_untold",
                    format!("the write was undone, which could not be published either ({error})"),
                ),
            },
            Ok(false) => {
                ("overtaken", "another writer has changed it since: it was left to that one".to_owned())
            }
            Err(error) => ("not_undone", format!("the write could not be undone ({error})")),
        }
    }

    fn tell_corrupt(&self, table: &str, key: &str, error: &Error) {
        if let Some(times) = self.readings.corrupt.count("no_object", Instant::now()) {
            tracing::warn!(times, "row {table}/{key} is left out: {error}");
        }
    }
}

/// The event that takes another back, for those who have that already: the row is what it was.
fn inverse(event: &Event, before: Option<Bytes>) -> Event {
    let value = before.map(|before| String::from_utf8_lossy(&before).into_owned());
    let action = match (&value, &event.action) {
        (None, _) => Action::Delete,
        (Some(_), Action::Delete) => Action::Create,
        (Some(_), _) => Action::Set,
    };
    // Its version is older than that of the event, which must not keep it out.
    Event { action, value: value.into(), version: None, ..event.clone() }
}

/// The place of a row that was read: on the topic that was named, else on its object's.
fn exact<'a>(row: RowName<'a>, object: &'a Object) -> RowName<'a> {
    row.on(row.topic.or(object.topic()))
}

fn conflict(row: RowName<'_>, what: String) -> Error {
    Error::new(ErrorKind::Conflict, format!("row {row} was not changed: {what}; read it again"))
}
