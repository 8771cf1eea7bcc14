use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use pubsub_api::{Error, Incoming, Result, Status, Subscriber};

use crate::lock::lock;
use crate::multiproc_hub::MultiprocHub;
use crate::settings::MemorySettings;
use crate::stream::Stream;

/// The multiproc subscriber: binds an endpoint, and receives every topic from the publishers that send there.
#[derive(Debug)]
pub(crate) struct MultiprocSubscriber {
    endpoint: String,
    stream: Arc<Stream>,
    state: Mutex<State>,
}

#[derive(Debug)]
enum State {
    New,
    Bound(Arc<MultiprocHub>),
    Closed,
}

impl MultiprocSubscriber {
    /// Creates one that is not bound yet.
    pub(crate) fn new(settings: &MemorySettings) -> Self {
        Self {
            endpoint: settings.multiproc_endpoint.clone(),
            stream: Arc::new(Stream::new(settings.queue_events)),
            state: Mutex::new(State::New),
        }
    }

    fn release(&self) {
        let mut state = lock(&self.state);
        self.stream.close();
        if let State::Bound(hub) = &*state {
            hub.release(&self.stream);
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
            State::Closed => Err(Error::closed("subscriber")),
            State::New => {
                let hub = MultiprocHub::at(&self.endpoint);
                hub.bind(&self.stream)?;
                *state = State::Bound(hub);
                Ok(())
            }
        }
    }

    async fn recv(&self) -> Result<Incoming> {
        let incoming = self.stream.recv().await?;
        // The read has made room. Nothing is awaited here, so a dropped future loses nothing.
        if let State::Bound(hub) = &*lock(&self.state) {
            hub.pump();
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
            ..Status::default()
        }
    }
}

impl Drop for MultiprocSubscriber {
    fn drop(&mut self) {
        self.release();
    }
}
