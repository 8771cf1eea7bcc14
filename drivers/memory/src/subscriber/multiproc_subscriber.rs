use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use pubsub_api::{Incoming, Result, Status, Subscriber};

use super::closed;
use crate::intake::Intake;
use crate::lock::lock;
use crate::settings::MemorySettings;
use crate::stream::Stream;

/// The multiproc subscriber: binds an intake, and takes every topic from the publishers that send there.
#[derive(Debug)]
pub(crate) struct MultiprocSubscriber {
    endpoint: String,
    stream: Arc<Stream>,
    state: Mutex<State>,
}

#[derive(Debug)]
enum State {
    New,
    Bound(Arc<Intake>),
    Closed,
}

impl MultiprocSubscriber {
    /// One that is not bound yet.
    pub(crate) fn new(settings: &MemorySettings) -> Self {
        Self {
            endpoint: settings.intake.clone(),
            stream: Arc::new(Stream::new(settings.queue_events)),
            state: Mutex::new(State::New),
        }
    }

    fn release(&self) {
        let mut state = lock(&self.state);
        self.stream.close();
        if let State::Bound(intake) = &*state {
            intake.release(&self.stream);
        }
        *state = State::Closed;
    }
}

#[async_trait]
impl Subscriber for MultiprocSubscriber {
    async fn initialize(&self) -> Result<()> {
        let mut state = lock(&self.state);
        match &*state {
            State::Bound(_) => Ok(()),
            State::Closed => Err(closed()),
            State::New => {
                let intake = Intake::at(&self.endpoint);
                intake.bind(&self.stream)?;
                *state = State::Bound(intake);
                Ok(())
            }
        }
    }

    async fn recv(&self) -> Result<Incoming> {
        let incoming = self.stream.recv().await?;
        // What was read made room. Nothing is awaited here, so that a dropped future loses nothing.
        if let State::Bound(intake) = &*lock(&self.state) {
            intake.pump();
        }
        Ok(incoming)
    }

    async fn close(&self) {
        self.release();
    }

    fn endpoint(&self) -> Option<String> {
        matches!(&*lock(&self.state), State::Bound(_)).then(|| self.endpoint.clone())
    }

    fn status(&self) -> Status {
        Status {
            counters: self.stream.counters(),
            queues: vec![self.stream.queue("events wait in the publishers' outboxes")],
            peers: Vec::new(),
        }
    }
}

impl Drop for MultiprocSubscriber {
    fn drop(&mut self) {
        self.release();
    }
}
