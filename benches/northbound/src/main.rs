//! What does the database side cost?
//!
//! - `writes`: objects per second that are created through the façade, each written to Redis and then published there, by
//!   several concurrent callers, each of which waits for its answers; compared with `redis-benchmark` with SET and PUBLISH of
//!   the same bytes and as many in flight: from as many clients, and in one client's pipeline.
//! - `sync`: time that an agent process takes to make its empty table equal to a number of rows, from Redis and from SQLite.
//!
//! Each run starts its own Redis server. A subscriber receives every event meanwhile.

mod peer;
mod scene;
mod sync;
mod writes;

use std::path::PathBuf;
use std::process::ExitCode;

use bench_kit::Spread;
use clap::Parser;
use drivers as _;
use pubsub_api::Result;
use serde_json::json;
use service_kit::{block_on, print_line};

use peer::Shape;

#[derive(Debug, Parser)]
#[command(name = "northbound-bench", version, about)]
pub(crate) struct Arguments {
    /// Number of runs of each measurement; medians are reported
    #[arg(long, value_name = "R", default_value_t = 5)]
    runs: usize,

    /// Number of objects to create; 0 to skip this part
    #[arg(long, value_name = "N", default_value_t = 100_000)]
    writes: usize,

    /// Number of concurrent callers
    #[arg(long, value_name = "N", value_delimiter = ',', default_value = "1,16,64")]
    callers: Vec<usize>,

    /// Number of rows that an agent is compared with; 0 to skip this part
    #[arg(long, value_name = "N", default_value_t = 100_000)]
    rows: usize,

    /// The program of our agent [default: subscriber-agent, beside this program]
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
            // In turns, so that other work on the machine affects all.
            ours.push(writes::measure(arguments.writes, *callers).await?);
            clients.push(peer::measure(arguments.writes, Shape::Clients(*callers)).await?);
            pipelines.push(peer::measure(arguments.writes, Shape::Pipeline(*callers)).await?);
        }
        let per_cent =
            |of: &[f64]| Spread::of(ours.iter().zip(of).map(|(our, peer)| our / peer * 100.0).collect());
        writes.push(json!({
            "callers": callers,
            "per_cent_of_clients": per_cent(&clients),
            "per_cent_of_pipeline": per_cent(&pipelines),
            "objects_per_second": Spread::of(ours),
            "redis_benchmark_clients_pairs_per_second": Spread::of(clients),
            "redis_benchmark_pipeline_pairs_per_second": Spread::of(pipelines),
        }));
    }
    let (mut redis, mut sqlite) = (Vec::new(), Vec::new());
    for _ in 0..if arguments.rows == 0 { 0 } else { arguments.runs } {
        redis.push(sync::from_redis(arguments.agent.as_deref(), arguments.rows).await?);
        sqlite.push(sync::from_sqlite(arguments.agent.as_deref(), arguments.rows).await?);
    }
    print_line(json!({
        "writes": { "objects": arguments.writes, "callers": writes },
        "sync": { "rows": arguments.rows, "redis_ms": Spread::of(redis), "sqlite_ms": Spread::of(sqlite) },
    }));
    Ok(())
}
