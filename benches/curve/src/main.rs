//! What does CURVE cost?
//!
//! - `fanout`: one server sends every event to a number of subscribers at full speed, encrypted for each: our publisher service,
//!   and a PUB of libzmq that is a CURVE server. The subscribers of both are the same: they count the encrypted messages, and
//!   decrypt nothing, so that the two cores are left to the server. Our service also numbers, keeps and acknowledges each event.
//! - `return`: a number of our subscribers, each with a key of its own, is connected to our service; the service is killed and
//!   started again on its port. Measured from the line with which the new one reports that it is ready until all subscribers
//!   are subscribed again, and have proven it by a hello.

mod counted_stream;
mod drain;
mod fanout;
mod fleet;
mod returning;

use std::path::PathBuf;
use std::process::ExitCode;

use bench_kit::{Machine, Spread};
use clap::Parser;
use drivers as _;
use pubsub_api::Result;
use serde_json::json;
use service_kit::{block_on, print_line};

use fanout::Server;

#[derive(Debug, Parser)]
#[command(name = "curve-bench", version, about)]
pub(crate) struct Arguments {
    /// Number of runs of each measurement; medians are reported
    #[arg(long, value_name = "R", default_value_t = 5)]
    runs: usize,

    /// Number of subscribers of the fan-out
    #[arg(long, value_name = "N", default_value_t = 100)]
    subscribers: usize,

    /// Number of agents that connect again
    #[arg(long, value_name = "N", default_value_t = 1000)]
    agents: usize,

    /// Time for which a run of the fan-out measures, in seconds
    #[arg(long, value_name = "S", default_value_t = 3)]
    seconds: u64,

    /// The program of our service [default: publisher-service, beside this program]
    #[arg(long, value_name = "PATH")]
    service: Option<PathBuf>,

    /// A Python with pyzmq
    #[arg(long, value_name = "PATH", default_value = "python3")]
    python: PathBuf,
}

fn main() -> ExitCode {
    service_kit::use_all_descriptors();
    service_kit::exit_code(&block_on(run(Arguments::parse())))
}

async fn run(arguments: Arguments) -> Result<()> {
    let machine = Machine::this();
    let (mut ours, mut theirs, mut returns) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..arguments.runs {
        ours.push(fanout::measure(&arguments, Server::Skimmer).await?);
        theirs.push(fanout::measure(&arguments, Server::Libzmq).await?);
        returns.push(returning::measure(&arguments).await?);
    }
    print_line(json!({
        "machine": machine,
        "subscribers": arguments.subscribers,
        "skimmer": summary(&ours),
        "libzmq": summary(&theirs),
        "return": { "agents": arguments.agents, "seconds": Spread::of(returns) },
    }));
    Ok(())
}

fn summary(runs: &[fanout::Figures]) -> serde_json::Value {
    let spread = |figure: fn(&fanout::Figures) -> f64| Spread::of(runs.iter().map(figure).collect());
    json!({
        "deliveries_per_second": spread(|run| run.deliveries_per_second),
        "cpu_us_per_delivery": spread(|run| run.cpu_us_per_delivery),
    })
}
