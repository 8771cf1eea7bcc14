//! What does the data services engine cost, and how fast is it? Nodes on the zmtp driver, in processes of their own.
//!
//! - `tables`: bytes on the wire and CPU time per changed row of a table of 1,000 to 100,000 rows with 20 subscribers, and the
//!   time until one more subscriber is complete; beside the bytes that sending whole tables would take.
//! - `calls`: latency and rate of calls between two processes, beside the same calls by request and reply of NATS.
//! - `crash`: the time from the SIGKILL of a publisher until its subscriber is notified.
//! - `join`: the time until nodes that start together know each other, and what each sends and receives until then.
//!
//! Ratios compare figures of one run. Every part fails if a row or a result is missing; none fails for a time: nodes
//! that do not know each other after 15 s are reported as incomplete.

mod bench;
mod calls;
mod crash;
mod join;
mod nodes;
mod options;
mod orders;
mod player;
mod role;
mod tables;

use std::process::ExitCode;

use clap::Parser;
use drivers as _;
use service_kit::{block_on, exit_code, use_all_descriptors};

use options::CommandLine;

fn main() -> ExitCode {
    use_all_descriptors();
    let command_line = CommandLine::parse();
    exit_code(&match command_line.role {
        Some(role) => block_on(role.play()),
        None => block_on(bench::run(command_line.bench)),
    })
}
