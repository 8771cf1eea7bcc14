//! `subscriber-agent --config FILE`

use std::process::ExitCode;

use clap::Parser;
use subscriber_agent::{AgentArguments, run};

/// Subscribes to every publisher, keeps the latest event of each row, and sends each change to stdout and handlers.
#[derive(Debug, Parser)]
#[command(
    version,
    after_help = "Example: subscriber-agent --config /etc/skimmer/skimmer.toml --topic tenant-1 --exec ./apply-change"
)]
struct CommandLine {
    #[command(flatten)]
    arguments: AgentArguments,
}

fn main() -> ExitCode {
    let command_line = match CommandLine::try_parse() {
        Ok(command_line) => command_line,
        Err(usage) => return service_kit::usage(&usage),
    };
    service_kit::exit_code(&run(&command_line.arguments))
}
