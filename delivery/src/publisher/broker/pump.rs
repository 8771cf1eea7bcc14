use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use pubsub_api::Publisher;
use sealing::{EventSealer, Keyring};
use tokio::sync::Mutex;
use tokio::time::sleep_until;

use super::options::BrokerOptions;
use super::outgoing::Outgoing;
use super::session::Session;
use crate::keyring_watch::watch;

/// Sends the events of a session, and its marks.
#[derive(Debug)]
pub(super) struct Pump {
    pub(super) session: Session,
    /// Only its holder puts anything into the driver's stream, so that order holds from the number to the broker.
    pub(super) outgoing: Mutex<Outgoing>,
    keyring: Option<Arc<Keyring>>,
}

impl Pump {
    /// Begins a session. The sealer is one of this process: a forked process must not have that of its parent.
    pub(super) fn begin(
        driver: Arc<dyn Publisher>,
        options: BrokerOptions,
        sealer: Option<EventSealer>,
    ) -> Self {
        let session = Session::begin(driver, options);
        let keyring = sealer.as_ref().map(EventSealer::keyring);
        let outgoing = Mutex::new(Outgoing::new(session.publisher_epoch, session.max_topics, sealer));
        Self { session, outgoing, keyring }
    }

    /// Sends waiting events, and marks when they are due, and follows the keyring; never returns.
    pub(super) async fn run(self: Arc<Self>) {
        tokio::select! {
            () = self.send() => {}
            () = watch(self.keyring.clone()) => {}
        }
    }

    async fn send(&self) {
        loop {
            let (was_something, next_mark) = {
                let outgoing = &mut *self.outgoing.lock().await;
                let was_something = outgoing.send_waiting(&self.session).await;
                outgoing.say_marks(&self.session).await;
                (was_something, outgoing.next_mark())
            };
            if was_something {
                // More may have arrived meanwhile.
                continue;
            }
            tokio::select! {
                () = self.session.outbox.filled.notified() => {}
                () = self.mark_due(next_mark) => {}
            }
        }
    }

    async fn mark_due(&self, at: Option<Duration>) {
        match at {
            Some(at) => sleep_until(self.session.instant(at)).await,
            None => pending().await,
        }
    }

    /// Sends all waiting events, and a `bye` on each topic.
    pub(super) async fn finish(&self) {
        let outgoing = &mut *self.outgoing.lock().await;
        while outgoing.send_waiting(&self.session).await {}
        outgoing.say_byes(&self.session).await;
    }
}
