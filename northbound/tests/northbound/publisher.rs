use std::collections::VecDeque;
use std::future::pending;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use pubsub_api::database::{DbApi, RowName};
use pubsub_api::wire::EventRef;
use pubsub_api::{Error, ErrorKind, Publisher, Result, Status, Topic, Value};

/// A publisher that fails on demand in ways that a real one does not, and records the events that it accepted.
#[derive(Debug, Default)]
pub(crate) struct Recorder {
    next: Mutex<VecDeque<Behaviour>>,
    published: Mutex<Vec<String>>,
    confirms: Mutex<bool>,
}

/// The reaction to the next event.
#[derive(Debug, Clone)]
pub(crate) enum Behaviour {
    Refuses,
    /// It accepts the event, and does not confirm it.
    DoesNotConfirm,
    /// It refuses the event, after another writer has written this.
    Meanwhile(Arc<dyn DbApi>, RowName<'static>, &'static [u8]),
}

impl Recorder {
    /// Uses these reactions for the next events, one each, and then accepts and confirms all.
    pub(crate) fn behave(&self, behaviours: &[Behaviour]) {
        self.next.lock().unwrap().extend(behaviours.iter().cloned());
    }

    /// The events accepted since the last call: topic, action, row, value and version.
    pub(crate) fn take_published(&self) -> Vec<String> {
        std::mem::take(&mut self.published.lock().unwrap())
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
        self.published
            .lock()
            .unwrap()
            .push(format!("{topic} {} {table}/{key} {value}{version}", event.action));
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
