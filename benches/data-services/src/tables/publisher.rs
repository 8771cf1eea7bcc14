use std::time::{Duration, Instant};

use clap::Args;
use data_services::{CallError, Row, ServiceHandle};
use pubsub_api::Result;
use rustix::time::{ClockId, clock_gettime};
use serde_json::json;
use service_kit::print_line;
use tokio::time::{MissedTickBehavior, interval};

use super::rows::Rows;
use super::work::{How, Work};
use crate::nodes::{endpoint, join};
use crate::orders::Orders;

/// A node with the service `bench`, whose table `hosts` has rows that change by order, and whose method `wait` never ends.
#[derive(Debug, Args)]
pub(crate) struct Publisher {
    #[arg(long)]
    rows: usize,
    /// The name of the node
    #[arg(long, default_value = "publisher")]
    name: String,
}

impl Publisher {
    pub(crate) async fn play(self) -> Result<()> {
        let node = join(&self.name, 0, None).await?;
        let wait = |_| std::future::pending::<std::result::Result<(), CallError>>();
        let service = node.service("bench").table("hosts", Rows::key()).method("wait", wait).start().await?;
        let rows = Rows::run(0, self.rows, self.rows, 0)?;
        let whole: usize = rows.iter().map(|row| row.as_json().len()).sum();
        service.publish("hosts", rows.clone()).await?;
        print_line(json!({"ready": endpoint(&node).await?, "whole_bytes": whole}));
        let mut table = Changing { service, rows, version: 0, next: 0 };
        let mut orders = Orders::new();
        while let Some(work) = orders.next::<Work>().await? {
            table.work(work).await?;
        }
        node.leave().await;
        Ok(())
    }
}

/// The table, and which rows change next.
struct Changing {
    service: ServiceHandle,
    rows: Vec<Row>,
    version: usize,
    next: usize,
}

impl Changing {
    /// Does some work, and prints what it cost. The changed rows are made before.
    async fn work(&mut self, work: Work) -> Result<()> {
        let mut rounds = Vec::new();
        for _ in 0..work.rounds {
            rounds.push(self.round(work.rows)?);
        }
        let (bytes, cpu, began) = (self.bytes().await?, cpu_time(), Instant::now());
        let mut ticks = interval(work.interval);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut changed = 0;
        for (first, round) in rounds {
            ticks.tick().await;
            changed += match work.how {
                How::Idle => 0,
                How::Change => self.service.change("hosts", round, Vec::new()).await?,
                How::Publish => {
                    self.put(first, round);
                    self.service.publish("hosts", self.rows.clone()).await?
                }
            };
        }
        // What the last round has begun takes a while.
        ticks.tick().await;
        let (cpu, seconds) = (cpu_time() - cpu, began.elapsed().as_secs_f64());
        let bytes = self.bytes().await? - bytes;
        let cpu_us = cpu.as_secs_f64() * 1e6;
        print_line(json!({"worked": changed, "seconds": seconds, "cpu_us": cpu_us, "bytes": bytes}));
        Ok(())
    }

    /// The next rows to change, and the place of the first one.
    fn round(&mut self, rows: usize) -> Result<(usize, Vec<Row>)> {
        self.version += 1;
        let first = self.next;
        self.next = (self.next + rows) % self.rows.len().max(1);
        Ok((first, Rows::run(first, rows, self.rows.len(), self.version)?))
    }

    fn put(&mut self, first: usize, round: Vec<Row>) {
        let count = self.rows.len().max(1);
        for (place, row) in (first..).zip(round) {
            if let Some(old) = self.rows.get_mut(place % count) {
                *old = row;
            }
        }
    }

    /// The bytes that the node has written to all its sockets.
    async fn bytes(&self) -> Result<u64> {
        Ok(self.service.node().report().await?.driver.counter("bytes_written", None))
    }
}

/// The CPU time of this process, of all its threads.
fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    let (seconds, nanos) = (u64::try_from(time.tv_sec), u32::try_from(time.tv_nsec));
    Duration::new(seconds.unwrap_or_default(), nanos.unwrap_or_default())
}
