use std::path::PathBuf;

use clap::{Args, Parser, ValueEnum};

use crate::role::Role;

/// What does the data services engine cost, and how fast is it?
#[derive(Debug, Parser)]
#[command(name = "data-services-bench", version, args_conflicts_with_subcommands = true)]
pub(crate) struct CommandLine {
    #[command(subcommand)]
    pub(crate) role: Option<Role>,

    #[command(flatten)]
    pub(crate) bench: Arguments,
}

/// The arguments of the bench.
#[derive(Debug, Clone, Args)]
pub(crate) struct Arguments {
    /// What to measure
    #[arg(value_enum, value_name = "PART", default_values_t = [Part::Calls, Part::Join, Part::Crash, Part::Tables])]
    pub(crate) parts: Vec<Part>,

    /// Number of runs of `calls` and `crash`; medians are reported
    #[arg(long, value_name = "R", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub(crate) runs: u32,

    /// Numbers of rows of a table
    #[arg(long, value_name = "N", value_delimiter = ',', default_value = "1000,10000,100000")]
    pub(crate) rows: Vec<usize>,

    /// Number of subscribers of a table, each on a node of its own
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub(crate) subscribers: usize,

    /// Numbers of nodes that start together
    #[arg(long, value_name = "N", value_delimiter = ',', default_value = "25,50,100")]
    pub(crate) nodes: Vec<usize>,

    /// Number of calls one at a time
    #[arg(long, value_name = "N", default_value_t = 5_000)]
    pub(crate) single_calls: usize,

    /// Number of calls of each run in a pipeline
    #[arg(long, value_name = "N", default_value_t = 100_000)]
    pub(crate) calls: usize,

    /// Number of calls that wait for their results in a pipeline
    #[arg(long, value_name = "N", value_delimiter = ',', default_value = "64,200")]
    pub(crate) depths: Vec<usize>,

    /// Size of the argument of a call, and of its result, in bytes
    #[arg(long, value_name = "BYTES", default_value_t = 100)]
    pub(crate) payload: usize,

    /// The program of NATS [default: found by PATH or root's PATH]
    #[arg(long, value_name = "PATH")]
    pub(crate) nats: Option<PathBuf>,

    /// Write the results as JSON to this file
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
}

/// A question of the bench.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Part {
    Calls,
    Join,
    Crash,
    Tables,
    /// All of them
    All,
}

impl Arguments {
    /// Whether a part is to be measured.
    pub(crate) fn has(&self, part: Part) -> bool {
        self.parts.contains(&part) || self.parts.contains(&Part::All)
    }
}
