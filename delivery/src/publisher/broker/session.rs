use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use pubsub_api::{Publisher, PublisherEpoch};
use tokio::time::Instant;

use super::metrics::Metrics;
use super::options::BrokerOptions;
use super::outbox::Outbox;
use crate::wall_clock::wall_us;

/// One publisher on a broker, under one random id: from the first send of a process to its end.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) driver: Arc<dyn Publisher>,
    pub(super) publisher_epoch: PublisherEpoch,
    pub(super) outbox: Outbox,
    pub(super) metrics: Metrics,
    pub(super) max_topics: usize,
    started: Instant,
}

impl Session {
    pub(super) fn begin(driver: Arc<dyn Publisher>, options: BrokerOptions) -> Self {
        let publisher_epoch = PublisherEpoch { publisher: random_id(), epoch: wall_us() };
        Self {
            driver,
            publisher_epoch,
            outbox: Outbox::new(options.send_timeout),
            metrics: Metrics::default(),
            max_topics: options.max_topics,
            started: Instant::now(),
        }
    }

    pub(super) fn since_start(&self) -> Duration {
        self.started.elapsed()
    }

    /// Converts a time since the start.
    pub(super) fn instant(&self, since_start: Duration) -> Instant {
        self.started + since_start
    }
}

/// From the operating system: a seed that was drawn before `fork` would give two processes one id.
fn random_id() -> u64 {
    let mut id = [0; 8];
    match rustix::rand::getrandom(&mut id, rustix::rand::GetRandomFlags::empty()) {
        Ok(8) => u64::from_ne_bytes(id),
        // A kernel without it (before Linux 3.17): the process id and the time distinguish publishers.
        _ => {
            let time = UNIX_EPOCH.elapsed().map_or(0, |since| since.subsec_nanos());
            u64::from(std::process::id()) << 32 | u64::from(time)
        }
    }
}
