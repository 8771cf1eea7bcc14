use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use pubsub_api::{Action, Envelope, Event, HELLO, Publisher, Role, Topic, hello};
use tokio::task::JoinHandle;

use crate::Outcome;

/// Interval of the hellos of the suite's publishers: shorter than a service's, so that the suite waits less.
const HELLO_EVERY: Duration = Duration::from_millis(50);

/// A publisher under test; on the network hop it sends hellos until it is closed or dropped.
#[derive(Debug)]
pub struct Sender {
    publisher: Arc<dyn Publisher>,
    hello: Option<JoinHandle<()>>,
}

impl Sender {
    pub(crate) async fn start(publisher: Arc<dyn Publisher>, role: Role) -> Outcome<Self> {
        publisher.initialize().await?;
        let says_hello = role == Role::Network;
        let hello = says_hello.then(|| tokio::spawn(say_hello(Arc::clone(&publisher))));
        Ok(Self { publisher, hello })
    }

    /// Its endpoint.
    ///
    /// # Errors
    /// If it has none.
    pub fn address(&self) -> Outcome<String> {
        let endpoint = self.publisher.endpoint();
        endpoint.ok_or_else(|| "an initialized publisher must have an endpoint, but has none".into())
    }

    /// Sends an event that is identified by its key.
    ///
    /// # Errors
    /// As [`Publisher::send_event`].
    pub async fn publish(&self, topic: &str, key: impl ToString) -> pubsub_api::Result<()> {
        self.publisher.send_event(&event(topic, key)?).await
    }

    /// Sends events with the keys of `numbers`, in order.
    ///
    /// # Errors
    /// As [`Publisher::send_event`].
    pub async fn publish_all(&self, topic: &str, numbers: std::ops::Range<usize>) -> pubsub_api::Result<()> {
        for number in numbers {
            self.publish(topic, number).await?;
        }
        Ok(())
    }

    /// Sends another hello.
    ///
    /// # Errors
    /// As [`Publisher::send`].
    pub async fn say_hello(&self) -> pubsub_api::Result<()> {
        send_hello(self.publisher.as_ref()).await
    }

    /// Stops sending hellos.
    pub fn fall_silent(&mut self) {
        if let Some(hello) = self.hello.take() {
            hello.abort();
        }
    }

    /// The publisher itself, to share it between tasks.
    #[must_use]
    pub fn share(&self) -> Arc<dyn Publisher> {
        Arc::clone(&self.publisher)
    }
}

impl Deref for Sender {
    type Target = dyn Publisher;

    fn deref(&self) -> &Self::Target {
        self.publisher.as_ref()
    }
}

impl Drop for Sender {
    fn drop(&mut self) {
        self.fall_silent();
    }
}

/// An event that is identified by its key.
pub(crate) fn event(topic: &str, key: impl ToString) -> pubsub_api::Result<Event> {
    Ok(Event::new("conformance", key.to_string(), Action::Set, "{}", Topic::new(topic.to_owned())?))
}

async fn say_hello(publisher: Arc<dyn Publisher>) {
    while send_hello(publisher.as_ref()).await.is_ok() {
        // The interval between two hellos.
        tokio::time::sleep(HELLO_EVERY).await;
    }
}

async fn send_hello(publisher: &dyn Publisher) -> pubsub_api::Result<()> {
    let hello = Envelope::pack(&hello::event("conformance", None))?;
    publisher.send(&HELLO, hello.payload).await
}
