use std::future::pending;
use std::sync::Arc;

use pubsub_api::hello::{self, HELLO_INTERVAL};
use pubsub_api::{Envelope, ErrorKind, Publisher, Result, SubscribersSeen, SubscriptionSeen};
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval};

/// Says `$hello` on a network publisher, at once and then every second, until it is dropped.
///
/// Where the driver [sees subscribers](Publisher::subscribers_seen), who newly asks for it gets one at once, alone; so
/// that its subscriptions are proved without waiting for the second to end.
#[derive(Debug)]
pub struct HelloTask(JoinHandle<()>);

impl HelloTask {
    /// Starts on the current runtime. A hello that the driver refuses is skipped: the next one comes in a second.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] if the id is too long to be packed.
    pub fn start(publisher: Arc<dyn Publisher>, publisher_id: &str) -> Result<Self> {
        let hello = Envelope::pack(&hello::event(publisher_id))?;
        Ok(Self(tokio::spawn(async move { say(publisher.as_ref(), &hello).await })))
    }
}

impl Drop for HelloTask {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn say(publisher: &dyn Publisher, hello: &Envelope) {
    let mut ticks = interval(HELLO_INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut subscribers = publisher.subscribers_seen();
    // One more to all within a second is enough: whoever comes and goes must not make us flood the others.
    let mut may_say_one_more = false;
    loop {
        tokio::select! {
            _ = ticks.tick() => {
                say_to_all(publisher, hello).await;
                may_say_one_more = true;
            }
            seen = next(subscribers) => match (seen, subscribers) {
                (Ok(SubscriptionSeen::Missed { .. }), _) if may_say_one_more => {
                    say_to_all(publisher, hello).await;
                    may_say_one_more = false;
                }
                (Ok(seen), Some(subscribers)) => say_to_newcomer(subscribers, &seen, hello),
                (Ok(_), None) => {}
                (Err(error), _) => {
                    if error.kind() != ErrorKind::Closed {
                        tracing::warn!("newcomers wait for the next hello, up to a second: {error}");
                    }
                    subscribers = None;
                }
            }
        }
    }
}

/// What is seen next; never anything if the driver does not see it.
async fn next(subscribers: Option<&dyn SubscribersSeen>) -> Result<SubscriptionSeen> {
    match subscribers {
        Some(subscribers) => subscribers.next().await,
        None => pending().await,
    }
}

async fn say_to_all(publisher: &dyn Publisher, hello: &Envelope) {
    if let Err(error) = publisher.send(&hello.topic, hello.payload.clone()).await {
        tracing::warn!("no hello this second: {error}");
    }
}

fn say_to_newcomer(subscribers: &dyn SubscribersSeen, seen: &SubscriptionSeen, hello: &Envelope) {
    if let Some(peer) = seen.newcomer_to(&hello.topic)
        && !subscribers.send_to(peer, &hello.topic, &hello.payload)
    {
        tracing::debug!(%peer, "no hello at once: it is gone again, or has no room");
    }
}

#[cfg(test)]
mod tests;
