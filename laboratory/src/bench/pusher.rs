use std::sync::Arc;
use std::time::Duration;

use bench_kit::Clock;
use publisher_client::PublisherClient;
use pubsub_api::{Error, ErrorKind, Result};
use tokio::runtime::Handle;

use super::payload::{EventMaker, PROBE};
use super::progress::Progress;

/// The API worker of the bench.
#[derive(Debug)]
pub(super) struct Pusher {
    client: Arc<PublisherClient>,
    maker: EventMaker,
    clock: Clock,
    next: u64,
}

impl Pusher {
    pub(super) fn new(client: Arc<PublisherClient>, value_bytes: usize, clock: Clock) -> Self {
        Self { client, maker: EventMaker::new(value_bytes), clock, next: 0 }
    }

    /// The number of sent events, without probes.
    pub(super) fn sent(&self) -> u64 {
        self.next
    }

    /// Sends a probe, which is not counted.
    pub(super) async fn probe(&mut self) -> Result<()> {
        self.client.send(self.maker.make(PROBE, 0)).await
    }

    /// Sends `count` events as fast as possible, but at most `window` ahead of the slowest subscriber, and waits until all
    /// have arrived. Returns the time from the first send to the last arrival.
    pub(super) async fn burst(&mut self, count: u64, window: u64, progress: &Progress) -> Result<Duration> {
        /// The number of events between checks of the window.
        const STEP: u64 = 256;
        let step = (window / 8).clamp(1, STEP);
        let started = self.clock.now_ns();
        let end = self.next + count;
        while self.next < end {
            let until = end.min(self.next + step);
            progress.reach(until.saturating_sub(window)).await?;
            while self.next < until {
                self.send(self.clock.now_ns()).await?;
            }
        }
        progress.reach(end).await?;
        Ok(Duration::from_nanos(self.clock.now_ns() - started))
    }

    /// Sends `count` events, one every `interval`, on a separate thread.
    ///
    /// Each event contains its *intended* send time, so that delays of the sender count as latency too and there is no
    /// coordinated omission.
    pub(super) async fn pace(mut self, count: u64, interval: Duration) -> Result<Self> {
        const SPIN: Duration = Duration::from_micros(150);
        let runtime = Handle::current();
        let paced = tokio::task::spawn_blocking(move || {
            let interval_ns = u64::try_from(interval.as_nanos()).unwrap_or(u64::MAX);
            let first = self.clock.now_ns() + interval_ns;
            for turn in 0..count {
                let intended = first + turn * interval_ns;
                self.clock.wait_until(intended, SPIN);
                runtime.block_on(self.send(intended))?;
            }
            Ok(self)
        });
        paced.await.map_err(|error| {
            Error::new(ErrorKind::Internal, "the pusher's thread panicked").with_source(error)
        })?
    }

    async fn send(&mut self, time_ns: u64) -> Result<()> {
        self.client.send(self.maker.make(self.next, time_ns)).await?;
        self.next += 1;
        Ok(())
    }
}
