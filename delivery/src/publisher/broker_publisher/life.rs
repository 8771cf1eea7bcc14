use std::future::pending;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use pubsub_api::{Incarnation, Publisher};
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep_until};

use super::options::BrokerOptions;
use super::outbox::Outbox;
use super::outgoing::Outgoing;
use super::readings::Readings;
use crate::publisher::core::wall_us;

/// What a process publishes under one random id: from its first send to its end.
#[derive(Debug)]
pub(super) struct Life {
    pub(super) driver: Arc<dyn Publisher>,
    pub(super) incarnation: Incarnation,
    pub(super) outbox: Outbox,
    /// Whoever has it puts into the driver's stream, so that order holds from the number to the broker.
    pub(super) outgoing: Mutex<Outgoing>,
    pub(super) readings: Readings,
    pub(super) max_topics: usize,
    started: Instant,
}

impl Life {
    pub(super) fn begin(driver: Arc<dyn Publisher>, options: BrokerOptions) -> Self {
        let incarnation = Incarnation { publisher: random_id(), epoch: wall_us() };
        Self {
            driver,
            incarnation,
            outbox: Outbox::new(options.send_timeout),
            outgoing: Mutex::new(Outgoing::new(incarnation, options.max_topics)),
            readings: Readings::default(),
            max_topics: options.max_topics,
            started: Instant::now(),
        }
    }

    pub(super) fn since_start(&self) -> Duration {
        self.started.elapsed()
    }

    /// Sends what waits, and marks when they are due; without end.
    pub(super) async fn pump(self: Arc<Self>) {
        loop {
            let (was_something, next_mark) = {
                let outgoing = &mut *self.outgoing.lock().await;
                let was_something = outgoing.send_waiting(&self).await;
                outgoing.say_marks(&self).await;
                (was_something, outgoing.next_mark())
            };
            if was_something {
                // More may have gathered meanwhile.
                continue;
            }
            tokio::select! {
                () = self.outbox.filled.notified() => {}
                () = self.mark_due(next_mark) => {}
            }
        }
    }

    async fn mark_due(&self, at: Option<Duration>) {
        match at {
            Some(at) => sleep_until(self.started + at).await,
            None => pending().await,
        }
    }

    /// Sends all that waits, and says that no more comes.
    pub(super) async fn finish(&self) {
        let outgoing = &mut *self.outgoing.lock().await;
        while outgoing.send_waiting(self).await {}
        outgoing.say_byes(self).await;
    }
}

/// From the operating system: a seed that was drawn before `fork` would make twins.
fn random_id() -> u64 {
    let mut id = [0; 8];
    match rustix::rand::getrandom(&mut id, rustix::rand::GetRandomFlags::empty()) {
        Ok(8) => u64::from_ne_bytes(id),
        // A kernel without it (before Linux 3.17): the process and the time tell publishers apart.
        _ => {
            let time = UNIX_EPOCH.elapsed().map_or(0, |since| since.subsec_nanos());
            u64::from(std::process::id()) << 32 | u64::from(time)
        }
    }
}
