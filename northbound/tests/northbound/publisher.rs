use std::collections::VecDeque;
use std::future::pending;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use pubsub_api::database::{DbApi, RowName};
use pubsub_api::wire::EventRef;
use pubsub_api::{Error, ErrorKind, Publisher, Result, Status, Topic, Value};

/// A publisher that fails in the ways that a real one cannot be brought to at will, and notes what it took.
#[derive(Debug, Default)]
pub(crate) struct Recorder {
    next: Mutex<VecDeque<Behaviour>>,
    told: Mutex<Vec<String>>,
    confirms: Mutex<bool>,
}

/// What it does with the next event.
#[derive(Debug, Clone)]
pub(crate) enum Behaviour {
    Refuses,
    /// It takes it, and says no more.
    DoesNotConfirm,
    /// It refuses it, after another writer has written this.
    Meanwhile(Arc<dyn DbApi>, RowName<'static>, &'static [u8]),
}

impl Recorder {
    /// It does this with the events to come, one after the other, and then takes and confirms them all.
    pub(crate) fn behave(&self, behaviours: &[Behaviour]) {
        self.next.lock().unwrap().extend(behaviours.iter().cloned());
    }

    /// What it took since: topic, action, row, value and version.
    pub(crate) fn take_told(&self) -> Vec<String> {
        std::mem::take(&mut self.told.lock().unwrap())
    }

    fn note(&self, topic: &Topic, payload: &[u8]) {
        let event = EventRef::read(topic.as_bytes(), payload).unwrap().to_event();
        let value = match event.value {
            Value::Nil => "-".to_owned(),
            Value::Text(text) => text,
            Value::Other(_) => panic!("{topic}"),
        };
        let (table, key) = (event.table.unwrap(), event.key.unwrap());
        let version = event.version.map(|version| format!(" v{version}")).unwrap_or_default();
        self.told.lock().unwrap().push(format!("{topic} {} {table}/{key} {value}{version}", event.action));
    }
}

#[async_trait]
impl Publisher for Recorder {
    async fn initialize(&self) -> Result<()> {
        Ok(())
    }

    async fn send(&self, topic: &Topic, payload: Bytes) -> Result<()> {
        let next = self.next.lock().unwrap().pop_front();
        *self.confirms.lock().unwrap() = !matches!(next, Some(Behaviour::DoesNotConfirm));
        match next {
            None | Some(Behaviour::DoesNotConfirm) => {
                self.note(topic, &payload);
                return Ok(());
            }
            Some(Behaviour::Meanwhile(database, row, value)) => {
                database.create_key(row, Bytes::from_static(value), true).await?;
            }
            Some(Behaviour::Refuses) => {}
        }
        Err(Error::new(ErrorKind::Overloaded, "the outbox is full"))
    }

    async fn flush(&self) -> Result<()> {
        let confirms = *self.confirms.lock().unwrap();
        if confirms { Ok(()) } else { pending().await }
    }

    async fn close(&self) -> Result<()> {
        Ok(())
    }

    fn endpoint(&self) -> Option<String> {
        None
    }

    fn status(&self) -> Status {
        Status::default()
    }
}
