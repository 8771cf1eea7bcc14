use std::sync::Arc;

use publisher_client::PublisherClient;
use pubsub_api::wire::EventRef;
use pubsub_api::{Envelope, ErrorKind, Result, Route};
use recording::{RecordedItem, unstamped};

use super::tally::Tally;

/// Publishes the events of a recording as they were received, without their stamps.
pub(super) struct Publishing {
    client: Arc<PublisherClient>,
    route: Route,
}

impl Publishing {
    pub(super) fn new(client: Arc<PublisherClient>, route: Route) -> Self {
        Self { client, route }
    }

    /// Publishes an event, and waits while the queue is full.
    ///
    /// # Errors
    /// As `Publisher::send`, except for an event that cannot be published, which is counted.
    pub(super) async fn take(&mut self, entry: RecordedItem, tally: &mut Tally) -> Result<()> {
        let RecordedItem::Event { envelope, .. } = entry else {
            tally.notices += 1;
            return Ok(());
        };
        if let Some(cause) = refusal(&envelope) {
            tally.refuse(cause, 1);
            return Ok(());
        }
        let payload = unstamped(&envelope.payload)?;
        match self.client.publisher().send(&envelope.topic, payload).await {
            Err(error) if error.kind() == ErrorKind::Invalid => tally.refuse("invalid", 1),
            sent => {
                sent?;
                tally.played += 1;
            }
        }
        Ok(())
    }

    /// Sends what was accepted, and counts what was confirmed and what the service refused.
    pub(super) async fn end(&self, tally: &mut Tally) -> Result<()> {
        let flushed = self.client.flush().await;
        let closed = self.client.close().await;
        let status = self.client.status();
        tally.confirmed = match self.route {
            Route::Broker(_) => Some(status.counter("events_published", None)),
            Route::Service(_) => Some(status.counter("events_acknowledged", None)),
            Route::Bind(_) => None,
        };
        tally.refuse("service", status.counter("events_refused", Some("service")));
        flushed.and(closed)
    }
}

/// Why no author may publish the event.
fn refusal(envelope: &Envelope) -> Option<&'static str> {
    let event = EventRef::read(envelope.topic.as_bytes(), &envelope.payload).ok()?;
    if envelope.topic.is_reserved() {
        return Some("reserved_topic");
    }
    // Its stamp is part of what was authenticated, so that nobody opens it with another one.
    event.sealed.map(|_| "sealed")
}
