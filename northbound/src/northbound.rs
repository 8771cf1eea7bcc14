use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use pubsub_api::database::{DbApi, RowName};
use pubsub_api::{Action, Error, ErrorKind, Event, Publisher, Result, SEND_ALL, Status, Topic};
use serde_json::{Map, Value};

use crate::metrics::Metrics;
use crate::published::{Published, publish};
use crate::{NorthboundOptions, Object, OnUnpublished};

/// Objects of the control plane: each change is written to the database, and then published.
///
/// The caller initializes and closes the database and the publisher. Calls may run concurrently, and in several processes: a
/// change never overwrites one that it has not seen.
///
/// # Cancel safety
/// If the future of a call is dropped, its row may be written without its event being published: let the call finish, or let a
/// table monitor find the change.
#[derive(Debug)]
pub struct Northbound {
    database: Arc<dyn DbApi>,
    publisher: Arc<dyn Publisher>,
    options: NorthboundOptions,
    metrics: Metrics,
}

/// The result of an update.
///
/// An update is `Unchanged` if every field already has the value of the changes, so a repeated update does no harm.
#[derive(Debug, Clone, PartialEq)]
pub enum Updated {
    /// The object as it is now.
    Changed(Object),
    /// The object as it was: nothing was written, nothing published.
    Unchanged(Object),
}

/// A written row, with its value before and after.
struct Written<'a> {
    row: RowName<'a>,
    before: Option<Bytes>,
    now: Option<Bytes>,
}

/// Limit of attempts when other writers change the row at the same time.
const ATTEMPTS: usize = 16;

impl Northbound {
    /// Creates a façade over a database and a publisher.
    #[must_use]
    pub fn new(database: Arc<dyn DbApi>, publisher: Arc<dyn Publisher>, options: NorthboundOptions) -> Self {
        Self { database, publisher, options, metrics: Metrics::default() }
    }

    /// Creates an object, as version 1 if it has none; returns it as written. If the same object exists, this succeeds and
    /// publishes it again, because the first attempt may not have done so.
    ///
    /// # Errors
    /// [`ErrorKind::AlreadyExists`] if its row has another value; those of the database, of the publisher, and those in the
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
                self.metrics.repeated.add(1);
            }
            Err(error) if error.kind() == ErrorKind::InDoubt => {
                return Err(self.delete_created(row, &json, error).await);
            }
            created => created?,
        }
        let event = self.event(&object, Action::Create, Some(&json));
        self.publish(event, Written { row, before: None, now: Some(json) }).await?;
        Ok(object)
    }

    /// Deletes the row of a create whose answer was lost. If the row does not exist, the write may still be
    /// executed later.
    async fn delete_created(&self, row: RowName<'_>, json: &[u8], lost: Error) -> Error {
        if !self.database.compare_and_set(row, Some(json), None).await.is_ok_and(|done| done) {
            return lost;
        }
        self.metrics.taken_back.add(1);
        let text =
            format!("the answer to creating row {row} was lost; the row existed and was deleted again");
        Error::new(ErrorKind::Unavailable, text).with_source(lost)
    }

    /// Changes fields of an object. Null values and the fields `id`, `topic` and `version` are ignored. With
    /// `expected_version`, the object is changed only if it has this version.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`]; [`ErrorKind::Conflict`] for another version, or if other writers were faster in each attempt;
    /// those of the database, of the publisher, and those in the [overview](crate).
    pub async fn update(
        &self,
        row: RowName<'_>,
        changes: &Map<String, Value>,
        expected_version: Option<u64>,
    ) -> Result<Updated> {
        for _ in 0..ATTEMPTS {
            let (before, object) = self.read(row, expected_version).await?;
            let Some(changed) = object.changed(changes) else {
                self.metrics.unchanged.add(1);
                return Ok(Updated::Unchanged(object));
            };
            let (exact, json) = (exact(row, &object), changed.to_json());
            if self.database.compare_and_set(exact, Some(&before), Some(json.clone())).await? {
                let event = self.event(&changed, Action::Set, Some(&json));
                self.publish(event, Written { row: exact, before: Some(before), now: Some(json) }).await?;
                return Ok(Updated::Changed(changed));
            }
        }
        Err(conflict(row, format!("other writers changed it first, {ATTEMPTS} times")))
    }

    /// Deletes an object, with `expected_version` only if it has this version; returns it as it was.
    ///
    /// The event is a `delete` without a version: the next object of this key begins at version 1.
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
        Err(conflict(row, format!("other writers changed it first, {ATTEMPTS} times")))
    }

    /// An object, if it exists.
    ///
    /// # Errors
    /// Those of the database; [`ErrorKind::Invalid`] if its row is not an object.
    pub async fn get(&self, row: RowName<'_>) -> Result<Option<Object>> {
        match self.read(row, None).await {
            Ok((_, object)) => Ok(Some(object)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The objects of a table, on one topic or on all. Rows that are not objects are skipped, logged and counted.
    ///
    /// The objects have no order. All of them are in memory at once.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn get_all(&self, table: &str, topic: Option<&str>) -> Result<Vec<Object>> {
        let entries = self.database.get_all_entries(table, topic).await?;
        let object = |entry: pubsub_api::database::Entry| {
            let read = Object::parse(table, &entry.value);
            read.inspect_err(|error| self.log_corrupt(table, &entry.place.key, error)).ok()
        };
        Ok(entries.into_iter().filter_map(object).collect())
    }

    /// The counters of the façade, without those of database and publisher.
    #[must_use]
    pub fn status(&self) -> Status {
        Status { counters: self.metrics.read(), ..Status::default() }
    }

    async fn read(&self, row: RowName<'_>, expected_version: Option<u64>) -> Result<(Bytes, Object)> {
        let held = self.database.get_key(row).await?;
        let object = Object::parse(row.table, &held).map_err(|error| error.context(format!("row {row}")))?;
        match expected_version {
            Some(expected) if object.version() != Some(expected) => {
                let has = object.version().map_or_else(|| "none".to_owned(), |version| version.to_string());
                Err(conflict(row, format!("version {expected} was expected, but it has {has}")))
            }
            _ => Ok((held, object)),
        }
    }

    fn event(&self, object: &Object, action: Action, json: Option<&Bytes>) -> Event {
        let value = json.map(|json| String::from_utf8_lossy(json).into_owned());
        // A deletion resets the version: the next object with this key starts at 1.
        let version = if action == Action::Delete { None } else { object.version() };
        let topic = object.topic().filter(|_| self.options.selective);
        // The object has validated the topic.
        let topic = topic.and_then(|topic| Topic::new(topic.to_owned()).ok()).unwrap_or(SEND_ALL);
        Event { version, ..Event::new(object.table(), object.id(), action, value, topic) }
    }

    async fn publish(&self, event: Event, written: Written<'_>) -> Result<()> {
        let (error, is_in_doubt) = match publish(&*self.publisher, &event, self.options.confirm_within).await
        {
            Published::Yes => {
                self.metrics.changes.add(1);
                return Ok(());
            }
            Published::No(error) => (error, false),
            Published::InDoubt(error) => (error, true),
        };
        let row = written.row.to_string();
        let (cause, fate) = match self.options.on_unpublished {
            OnUnpublished::Undo => self.undo(&event, written, is_in_doubt).await,
            OnUnpublished::Leave => ("left", "the row stays; a table monitor will publish it".to_owned()),
        };
        if let Some(times) = self.metrics.unpublished.count(cause, Instant::now()) {
            tracing::warn!(
                id = "SK0809",
                cause,
                times,
                "cannot publish the change of row {row}: {error}; {fate}"
            );
        }
        let kind = if cause == "undone" { error.kind() } else { ErrorKind::InDoubt };
        Err(Error::new(kind, format!("row {row} was written, but its event could not be published; {fate}"))
            .with_source(error))
    }

    /// Restores the row, unless another writer has changed it since. Returns what happened, as a cause and as text.
    async fn undo(&self, event: &Event, written: Written<'_>, is_in_doubt: bool) -> (&'static str, String) {
        let Written { row, before, now } = written;
        match self.database.compare_and_set(row, now.as_deref(), before.clone()).await {
            Ok(true) if !is_in_doubt => ("undone", "the write was undone".to_owned()),
            Ok(true) => match publish(&*self.publisher, &inverse(event, before), self.options.confirm_within)
                .await
            {
                Published::Yes => ("undone", "the write was undone, and the undo was published".to_owned()),
                Published::No(error) | Published::InDoubt(error) => (
                    "undone_unreported",
                    format!("the write was undone, but the undo could not be published either ({error})"),
                ),
            },
            Ok(false) => {
                ("overtaken", "another writer has changed the row since, so it was not undone".to_owned())
            }
            Err(error) => ("not_undone", format!("the write could not be undone ({error})")),
        }
    }

    fn log_corrupt(&self, table: &str, key: &str, error: &Error) {
        if let Some(times) = self.metrics.corrupt.count("no_object", Instant::now()) {
            tracing::warn!(id = "SK0810", times, "skipped row {table}/{key}: {error}");
        }
    }
}

/// The event that reverts another one for its receivers: it has the row's earlier value.
fn inverse(event: &Event, before: Option<Bytes>) -> Event {
    let value = before.map(|before| String::from_utf8_lossy(&before).into_owned());
    let action = match (&value, &event.action) {
        (None, _) => Action::Delete,
        (Some(_), Action::Delete) => Action::Create,
        (Some(_), _) => Action::Set,
    };
    // The earlier version is lower than the event's; with it, receivers would ignore this event.
    Event { action, value: value.into(), version: None, ..event.clone() }
}

/// The place of a row that was read: on the given topic, or else on its object's topic.
fn exact<'a>(row: RowName<'a>, object: &'a Object) -> RowName<'a> {
    row.on(row.topic.or(object.topic()))
}

fn conflict(row: RowName<'_>, what: String) -> Error {
    Error::new(ErrorKind::Conflict, format!("row {row} was not changed: {what}; read it again"))
}
