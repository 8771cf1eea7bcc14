//! How long does a subscriber take to get what it missed?
//!
//! - `gap`: so many events in a row do not come (a filter in this process drops them); from the moment in which that is
//!   noticed until the topic is live again. Everything else goes on meanwhile.
//! - `snapshot`: a subscriber joins a service that has so many rows; from `initialize` until everything is live, and every
//!   row was given.
//!
//! A publisher service is started for each run, as a process; 2,000 events/s go on all the time.

mod cloud;
mod lossy;
mod measure;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use drivers as _;
use pubsub_api::Result;
use serde_json::json;
use service_kit::{block_on, tell};

use cloud::Cloud;

#[derive(Debug, Parser)]
#[command(name = "recovery-bench", version, about)]
pub(crate) struct Arguments {
    /// How often everything is measured; medians are reported
    #[arg(long, value_name = "R", default_value_t = 5)]
    runs: usize,

    /// How many events in a row are missing
    #[arg(long, value_name = "N", default_value_t = 1000)]
    gap: u64,

    /// How many rows a joining subscriber gets
    #[arg(long, value_name = "N", default_value_t = 100_000)]
    rows: usize,

    /// Events per second that go on
    #[arg(long, value_name = "R", default_value_t = 2000)]
    rate: u32,

    /// Our service's program [default: publisher-service, beside this program]
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
    tell(json!({
        "gap": { "events": arguments.gap, "ms": figures(gaps) },
        "snapshot": { "rows": arguments.rows, "ms": figures(snapshots) },
        "events_per_second": arguments.rate,
    }));
    Ok(())
}

/// Median, least and most, of milliseconds.
fn figures(mut times: Vec<f64>) -> serde_json::Value {
    times.sort_by(f64::total_cmp);
    let at = |place: usize| times.get(place).map(|time| (time * 10.0).round() / 10.0);
    json!({ "median": at(times.len() / 2), "least": at(0), "most": at(times.len().saturating_sub(1)) })
}
