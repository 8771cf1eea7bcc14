//! How long does a subscriber take to receive what it missed?
//!
//! - `gap`: a number of consecutive events do not arrive (a filter in this process drops them); measured from the detection
//!   of the gap until the topic is live again. Everything else continues meanwhile.
//! - `snapshot`: a subscriber joins a service with a number of rows; measured from `initialize` until everything is live and
//!   every row was received.
//!
//! Each run starts a publisher service, as a process; 2,000 events/s are published all the time.

mod cloud;
mod lossy;
mod measure;

use std::path::PathBuf;
use std::process::ExitCode;

use bench_kit::Spread;
use clap::Parser;
use drivers as _;
use pubsub_api::Result;
use serde_json::json;
use service_kit::{block_on, print_line};

use cloud::Cloud;

#[derive(Debug, Parser)]
#[command(name = "recovery-bench", version, about)]
pub(crate) struct Arguments {
    /// Number of runs of each measurement; medians are reported
    #[arg(long, value_name = "R", default_value_t = 5)]
    runs: usize,

    /// Number of consecutive missing events
    #[arg(long, value_name = "N", default_value_t = 1000)]
    gap: u64,

    /// Number of rows that a joining subscriber receives
    #[arg(long, value_name = "N", default_value_t = 100_000)]
    rows: usize,

    /// Events per second that are published meanwhile
    #[arg(long, value_name = "R", default_value_t = 2000)]
    rate: u32,

    /// The program of our service [default: publisher-service, beside this program]
    #[arg(long, value_name = "PATH")]
    service: Option<PathBuf>,
}

fn main() -> ExitCode {
    service_kit::exit_code(&block_on(run(Arguments::parse())))
}

async fn run(arguments: Arguments) -> Result<()> {
    let (mut gaps, mut snapshots) = (Vec::new(), Vec::new());
    for _ in 0..arguments.runs {
        let cloud = Cloud::start(arguments.service.as_deref(), arguments.rate).await?;
        gaps.push(measure::gap(&cloud, arguments.gap).await?);
        cloud.end().await?;
        let cloud = Cloud::start(arguments.service.as_deref(), arguments.rate).await?;
        cloud.fill(arguments.rows).await?;
        snapshots.push(measure::snapshot(&cloud, arguments.rows).await?);
        cloud.end().await?;
    }
    print_line(json!({
        "gap": { "events": arguments.gap, "ms": Spread::of(gaps) },
        "snapshot": { "rows": arguments.rows, "ms": Spread::of(snapshots) },
        "events_per_second": arguments.rate,
    }));
    Ok(())
}
