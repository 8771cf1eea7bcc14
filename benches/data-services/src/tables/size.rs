use std::path::Path;
use std::time::Duration;

use bench_kit::{Scratch, failure};
use pubsub_api::Result;
use serde::Serialize;
use serde_json::{Value, json};

use super::work::{Cost, How, PerRow, Work};
use crate::player::{Player, number};

/// What a table of one size costs.
#[derive(Debug, Serialize)]
pub(crate) struct Size {
    pub(crate) rows: usize,
    subscribers: usize,
    /// The whole table as JSON text.
    whole_bytes: f64,
    idle: Cost,
    /// 1 % of the rows in one change each second.
    pub(crate) per_cent: PerRow,
    /// 1,000 rows a second, in changes of 50 rows, whatever the size.
    pub(crate) same_changes: PerRow,
    /// The whole table each second, of which 1 % is changed.
    pub(crate) published: PerRow,
    pub(crate) joining: Joining,
}

/// One more subscriber, while 1 % of the rows change each second.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Joining {
    /// The time from the start of its process until it is complete: one and a half heartbeats of it to join the bus.
    pub(crate) since_start_ms: f64,
    /// The time from its subscription until it is complete.
    pub(crate) since_subscription_ms: f64,
}

impl Joining {
    /// Waits until the one subscriber of a process is complete.
    async fn of(player: &mut Player) -> Result<Self> {
        let line = player.line("complete").await?;
        let one = line.get("complete").and_then(|all| all.get(0)).cloned().unwrap_or_default();
        let at = |field| number(&one, field);
        Ok(Self {
            since_start_ms: at("since_start_ms")?,
            since_subscription_ms: at("since_subscription_ms")?,
        })
    }
}

/// The number of processes that the subscribers share.
const PROCESSES: usize = 2;

const SECOND: Duration = Duration::from_secs(1);

impl Size {
    /// Measures a table of this size. Fails if a subscriber misses a changed row.
    pub(crate) async fn measure(rows: usize, subscribers: usize) -> Result<Self> {
        let folder = Scratch::new("data-services-bench")?;
        let mut publisher =
            Player::start("publisher", folder.path(), "publisher", &[("rows", rows.to_string())])?;
        let ready = publisher.line("ready").await?;
        let seed = ready.get("ready").and_then(Value::as_str).unwrap_or_default();
        let mut players = Vec::new();
        for process in 0..PROCESSES {
            let (first, next) = (subscribers * process / PROCESSES, subscribers * (process + 1) / PROCESSES);
            players.push(subscribe(folder.path(), first, next - first, rows, seed)?);
        }
        for player in &mut players {
            player.line("complete").await?;
        }
        let one_per_cent = (rows / 100).max(1);
        let idle = work(How::Idle, 3, 0, SECOND).order(&mut publisher).await?;
        let per_cent = work(How::Change, 4, one_per_cent, SECOND).order(&mut publisher).await?;
        let same_changes = work(How::Change, 60, 50, SECOND / 20).order(&mut publisher).await?;
        let published = work(How::Publish, 4, one_per_cent, SECOND).order(&mut publisher).await?;
        let changed = per_cent.changed_rows + same_changes.changed_rows + published.changed_rows;
        let joining = joining(folder.path(), &mut publisher, rows, one_per_cent, (subscribers, seed));
        let (joining, more) = joining.await?;
        check(&mut players, changed + more).await?;
        for player in players.into_iter().chain([publisher]) {
            player.end().await?;
        }
        Ok(Self {
            rows,
            subscribers,
            whole_bytes: number(&ready, "whole_bytes")?,
            idle,
            per_cent: per_cent.per_row(idle),
            same_changes: same_changes.per_row(idle),
            published: published.per_row(idle),
            joining,
        })
    }

    /// What a publisher would send for each changed row if it sent the whole table to each subscriber once a second, as
    /// Congress does in answer to each poll: 1 % of the rows has changed then.
    pub(crate) fn polled_bytes_per_row(&self) -> f64 {
        self.whole_bytes * self.subscribers as f64 / (self.rows / 100).max(1) as f64
    }
}

fn work(how: How, rounds: u32, rows: usize, interval: Duration) -> Work {
    Work { how, rounds, rows, interval }
}

fn subscribe(folder: &Path, first: usize, count: usize, rows: usize, seed: &str) -> Result<Player> {
    let numbers = [("first", first), ("count", count), ("rows", rows)];
    let mut named: Vec<_> = numbers.iter().map(|(name, value)| (*name, value.to_string())).collect();
    named.push(("seed", seed.to_owned()));
    Player::start(&format!("subscribers-{first}"), folder, "subscribers", &named)
}

/// Adds a subscriber while the table changes; also returns the number of rows that changed meanwhile.
async fn joining(
    folder: &Path,
    publisher: &mut Player,
    rows: usize,
    one_per_cent: usize,
    (subscribers, seed): (usize, &str),
) -> Result<(Joining, f64)> {
    let mut player = subscribe(folder, subscribers, 1, rows, seed)?;
    let change = work(How::Change, 40, one_per_cent.div_ceil(10), SECOND / 10).order(publisher);
    let (joining, changed) = tokio::join!(Joining::of(&mut player), change);
    player.end().await?;
    Ok((joining?, changed?.changed_rows))
}

/// Waits until every subscriber has received every changed row.
async fn check(players: &mut [Player], wanted: f64) -> Result<()> {
    const LOOKS: usize = 100;
    for player in players {
        for look in 0.. {
            player.order(&json!({"count": true})).await?;
            let line = player.line("changed").await?;
            let changed = line.get("changed").and_then(Value::as_array).cloned().unwrap_or_default();
            if changed.iter().all(|changed| changed.as_f64() == Some(wanted)) {
                break;
            }
            if look == LOOKS {
                return Err(failure(format!("{wanted} rows have changed, and subscribers received {line}")));
            }
            tokio::time::sleep(SECOND / 20).await;
        }
    }
    Ok(())
}
