use std::future::pending;
use std::sync::Arc;

use bytes::Bytes;
use pubsub_api::hello::{self, HELLO_INTERVAL};
use pubsub_api::{
    Envelope, ErrorKind, HELLO, Publisher, PublisherEpoch, Result, SubscribersSeen, SubscriptionSeen,
};
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval};

use crate::NodeInstance;

/// The task that sends the hello of a node: every second, and at once to a peer that subscribes. Dropping it ends it.
#[derive(Debug)]
pub(super) struct Hellos(JoinHandle<()>);

impl Hellos {
    /// Starts to send hellos.
    ///
    /// # Errors
    /// None: a hello is a small event.
    pub(super) fn start(publisher: &Arc<dyn Publisher>, me: &NodeInstance) -> Result<Self> {
        let epoch = PublisherEpoch { publisher: me.instance.number(), epoch: me.boot };
        let hello = Envelope::pack(&hello::event(me.node.as_str(), Some(epoch)))?;
        Ok(Self(tokio::spawn(send(Arc::clone(publisher), hello.payload))))
    }

    /// Sends no more.
    pub(super) fn end(&self) {
        self.0.abort();
    }
}

impl Drop for Hellos {
    fn drop(&mut self) {
        self.end();
    }
}

/// Sends until the publisher is closed.
async fn send(publisher: Arc<dyn Publisher>, payload: Bytes) {
    let mut ticks = interval(HELLO_INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let seen = publisher.subscribers_seen();
    loop {
        let newcomer = tokio::select! {
            _ = ticks.tick() => None,
            report = next(seen) => match report {
                Ok(SubscriptionSeen::Missed { .. }) => None,
                Ok(report) => match report.newcomer_to(&HELLO) {
                    Some(peer) => Some(peer),
                    None => continue,
                },
                Err(_) => return,
            },
        };
        match (newcomer, seen) {
            (Some(peer), Some(seen)) => {
                seen.send_to(peer, &HELLO, &payload);
            }
            _ => match publisher.send(&HELLO, payload.clone()).await {
                Err(error) if error.kind() == ErrorKind::Closed => return,
                Err(error) => tracing::warn!("cannot send the hello of this node: {error}"),
                Ok(()) => {}
            },
        }
    }
}

async fn next(seen: Option<&dyn SubscribersSeen>) -> Result<SubscriptionSeen> {
    match seen {
        Some(seen) => seen.next().await,
        None => pending().await,
    }
}
