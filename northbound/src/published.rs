use std::time::Duration;

use pubsub_api::{Error, ErrorKind, Event, Publisher, Result};
use tokio::time::{Instant, timeout_at};

/// The outcome of publishing an event.
#[derive(Debug)]
pub(crate) enum Published {
    Yes,
    /// No subscriber receives it.
    No(Error),
    /// Subscribers may receive it or have received it.
    InDoubt(Error),
}

/// Sends an event, and waits for its confirmation if the publisher confirms.
pub(crate) async fn publish(publisher: &dyn Publisher, event: &Event, within: Duration) -> Published {
    let deadline = Instant::now() + within;
    let unconfirmed = |result: Result<Result<()>, _>| match result {
        Ok(done) => done.err(),
        Err(_) => {
            let text = format!("the event was not confirmed within {within:?}");
            Some(Error::new(ErrorKind::Unavailable, text))
        }
    };
    match timeout_at(deadline, publisher.send_event(event)).await {
        Ok(Err(error)) if error.kind() != ErrorKind::InDoubt => Published::No(error),
        Ok(Ok(())) => match unconfirmed(timeout_at(deadline, publisher.flush()).await) {
            Some(error) => Published::InDoubt(error),
            None => Published::Yes,
        },
        sent => unconfirmed(sent).map_or(Published::Yes, Published::InDoubt),
    }
}
