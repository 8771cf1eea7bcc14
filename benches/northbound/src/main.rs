//! What does the database side cost?
//!
//! - `writes`: how many objects a second are created through the façade, each written to Redis and then published there, by so
//!   many callers at once, each of which waits for its answers; against `redis-benchmark` with SET and PUBLISH of the same bytes,
//!   with as many under way: from as many clients, and in one client's pipeline.
//! - `sync`: how long an agent, a process, takes to make its empty table equal to so many rows, from Redis and from SQLite.
//!
//! A Redis server of its own is started for each run. A subscriber that takes every event listens meanwhile.

mod figures;
mod peer;
mod scene;
mod sync;
mod writes;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use drivers as _;
use pubsub_api::Result;
use serde_json::json;
use service_kit::{block_on, tell};

use figures::figures;
use peer::Shape;

#[derive(Debug, Parser)]
#[command(name = "northbound-bench", version, about)]
pub(crate) struct Arguments {
    /// How often everything is measured; medians are reported
    #[arg(long, value_name = "R", default_value_t = 5)]
    runs: usize,

    /// How many objects are created; 0 leaves that out
    #[arg(long, value_name = "N", default_value_t = 100_000)]
    writes: usize,

    /// How many callers create them at once
    #[arg(long, value_name = "N", value_delimiter = ',', default_value = "1,16,64")]
    callers: Vec<usize>,

    /// How many rows an agent is compared with; 0 leaves that out
    #[arg(long, value_name = "N", default_value_t = 100_000)]
    rows: usize,

    /// Our agent's program [default: subscriber-agent, beside this program]
    #[arg(long, value_name = "PATH")]
    agent: Option<PathBuf>,
}

fn main() -> ExitCode {
    service_kit::exit_code(&block_on(run(Arguments::parse())))
}

async fn run(arguments: Arguments) -> Result<()> {
    let mut writes = Vec::new();
    for callers in arguments.callers.iter().filter(|_| arguments.writes > 0) {
        let (mut ours, mut clients, mut pipelines) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..arguments.runs {
            // In turns, so that what else the machine does meets all.
            ours.push(writes::measure(arguments.writes, *callers).await?);
            clients.push(peer::measure(arguments.writes, Shape::Clients(*callers)).await?);
            pipelines.push(peer::measure(arguments.writes, Shape::Pipeline(*callers)).await?);
        }
        let per_cent =
            |of: &[f64]| figures(ours.iter().zip(of).map(|(our, peer)| our / peer * 100.0).collect());
        writes.push(json!({
            "callers": callers,
            "per_cent_of_clients": per_cent(&clients),
            "per_cent_of_pipeline": per_cent(&pipelines),
            "objects_per_second": figures(ours),
            "redis_benchmark_clients_pairs_per_second": figures(clients),
            "redis_benchmark_pipeline_pairs_per_second": figures(pipelines),
        }));
    }
    let (mut redis, mut sqlite) = (Vec::new(), Vec::new());
    for _ in 0..if arguments.rows == 0 { 0 } else { arguments.runs } {
        redis.push(sync::from_redis(arguments.agent.as_deref(), arguments.rows).await?);
        sqlite.push(sync::from_sqlite(arguments.agent.as_deref(), arguments.rows).await?);
    }
    tell(json!({
        "writes": { "objects": arguments.writes, "callers": writes },
        "sync": { "rows": arguments.rows, "redis_ms": figures(redis), "sqlite_ms": figures(sqlite) },
    }));
    Ok(())
}
