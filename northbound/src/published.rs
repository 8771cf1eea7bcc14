use std::time::Duration;

use pubsub_api::{Error, ErrorKind, Event, Publisher, Result};
use tokio::time::{Instant, timeout_at};

/// What became of an event.
#[derive(Debug)]
pub(crate) enum Published {
    Yes,
    /// Nobody gets it.
    No(Error),
    /// Some may get it, or have it.
    InDoubt(Error),
}

/// Sends an event, and waits until it is confirmed, where the publisher confirms.
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
