use std::time::{Duration, Instant};

use bench_kit::{cannot, failure};
use clap::Args;
use data_services::{TableEvent, TableSubscription};
use pubsub_api::Result;
use serde_json::{Value, json};
use service_kit::print_line;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::nodes::{PATIENCE, join, until, up};
use crate::orders::Orders;

/// Nodes that subscribe to the table of the publisher.
#[derive(Debug, Clone, Args)]
pub(crate) struct Subscribers {
    /// The number of the first node
    #[arg(long)]
    first: usize,
    #[arg(long)]
    count: usize,
    /// The number of rows of the table
    #[arg(long)]
    rows: usize,
    #[arg(long)]
    seed: String,
}

/// What one subscriber has, and when it had all rows.
#[derive(Debug, Clone, Copy, Default)]
struct Progress {
    /// The number of changed rows that followed the snapshot.
    changed: u64,
    /// When it was on the bus and knew the publisher, since the process started: then it subscribed.
    joined: Duration,
    complete: Option<Duration>,
}

impl Subscribers {
    /// Prints a line when all are complete, and one on each order, with the numbers of changed rows.
    pub(crate) async fn play(self) -> Result<()> {
        let began = Instant::now();
        let (mut tasks, mut all) = (JoinSet::new(), Vec::new());
        for number in self.first..self.first + self.count {
            let (sender, progress) = watch::channel(Progress::default());
            tasks.spawn(self.clone().subscribe(number, began, sender));
            all.push(progress);
        }
        let readers = async {
            match tasks.join_next().await {
                Some(ended) => ended.map_err(cannot("subscribe"))?,
                None => Ok(()),
            }
        };
        tokio::select! {
            ended = readers => ended,
            ended = report(all) => ended,
        }
    }

    async fn subscribe(self, number: usize, began: Instant, progress: watch::Sender<Progress>) -> Result<()> {
        let node = join(&format!("subscriber-{number}"), 0, Some(&self.seed)).await?;
        let service = node.service(format!("subscriber-{number}")).start().await?;
        until("the publisher", &node, |report| {
            up(report) > 0 && report.services.iter().any(|one| one.service.as_str() == "bench")
        })
        .await?;
        progress.send_modify(|progress| progress.joined = began.elapsed());
        let subscription = service.subscribe("bench", "hosts").await?;
        self.read(subscription, began, &progress).await
    }

    async fn read(
        &self,
        mut subscription: TableSubscription,
        began: Instant,
        progress: &watch::Sender<Progress>,
    ) -> Result<()> {
        let mut rows = 0;
        while let Some(event) = subscription.next().await {
            match event {
                TableEvent::Snapshot { rows: all, .. } => rows = all.len(),
                TableEvent::Change { change, .. } => {
                    let changed = change.len() as u64;
                    progress.send_modify(|progress| progress.changed += changed);
                }
                TableEvent::Live { .. } if rows == self.rows => progress.send_modify(|progress| {
                    progress.complete.get_or_insert(began.elapsed());
                }),
                _ => {}
            }
        }
        Err(failure("a subscription has ended"))
    }
}

async fn report(mut all: Vec<watch::Receiver<Progress>>) -> Result<()> {
    for progress in &mut all {
        let complete = progress.wait_for(|progress| progress.complete.is_some());
        let complete = timeout(PATIENCE, complete).await.map_err(cannot("receive all rows in time"))?;
        drop(complete.map_err(cannot("receive all rows"))?);
    }
    print_line(json!({"complete": times(&all)}));
    let mut orders = Orders::new();
    while orders.next::<Value>().await?.is_some() {
        let changed: Vec<u64> = all.iter().map(|progress| progress.borrow().changed).collect();
        print_line(json!({ "changed": changed }));
    }
    Ok(())
}

/// Of each subscriber, in ms: until it is complete since its process started, and since it subscribed.
fn times(all: &[watch::Receiver<Progress>]) -> Vec<Value> {
    let ms = |time: Duration| time.as_secs_f64() * 1000.0;
    let one = |progress: &watch::Receiver<Progress>| {
        let Progress { joined, complete, .. } = *progress.borrow();
        let complete = complete.unwrap_or_default();
        json!({"since_start_ms": ms(complete), "since_subscription_ms": ms(complete.saturating_sub(joined))})
    };
    all.iter().map(one).collect()
}
