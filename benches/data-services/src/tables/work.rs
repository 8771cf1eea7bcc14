use std::time::Duration;

use pubsub_api::Result;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::player::{Player, number};

/// What the publisher is ordered to do: a number of rounds, one each interval, of which each changes some rows.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Work {
    pub(crate) how: How,
    pub(crate) rounds: u32,
    pub(crate) rows: usize,
    pub(crate) interval: Duration,
}

/// How rows are changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum How {
    /// Not at all: what the node does anyway.
    Idle,
    /// By `change`, with the changed rows.
    Change,
    /// By `publish`, with all rows.
    Publish,
}

/// What it cost, of which the process of the publisher does nothing else.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Cost {
    pub(crate) changed_rows: f64,
    pub(crate) seconds: f64,
    pub(crate) cpu_us: f64,
    /// Bytes written to all sockets of the publisher.
    pub(crate) bytes: f64,
}

impl Work {
    /// Orders it, and waits for its end.
    pub(crate) async fn order(self, publisher: &mut Player) -> Result<Cost> {
        publisher.order(&self).await?;
        Cost::of(&publisher.line("worked").await?)
    }
}

impl Cost {
    fn of(line: &Value) -> Result<Self> {
        Ok(Self {
            changed_rows: number(line, "worked")?,
            seconds: number(line, "seconds")?,
            cpu_us: number(line, "cpu_us")?,
            bytes: number(line, "bytes")?,
        })
    }

    /// The cost for each changed row beyond that of doing nothing for as long.
    pub(crate) fn per_row(self, idle: Self) -> PerRow {
        let share =
            |of: fn(Self) -> f64| (of(self) - of(idle) * self.seconds / idle.seconds) / self.changed_rows;
        PerRow { cpu_us: share(|cost| cost.cpu_us), bytes: share(|cost| cost.bytes) }
    }
}

/// The cost for each changed row.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct PerRow {
    pub(crate) cpu_us: f64,
    pub(crate) bytes: f64,
}
