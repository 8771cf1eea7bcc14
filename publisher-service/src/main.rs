//! `publisher-service --config FILE`

use std::process::ExitCode;

use clap::Parser;
use publisher_service::{ServiceArguments, run};

/// Receives events from the API workers of this host and publishes them to every agent.
#[derive(Debug, Parser)]
#[command(version, after_help = "Example: publisher-service --config /etc/skimmer/skimmer.toml")]
struct CommandLine {
    #[command(flatten)]
    arguments: ServiceArguments,
}

fn main() -> ExitCode {
    let command_line = match CommandLine::try_parse() {
        Ok(command_line) => command_line,
        Err(usage) => return service_kit::usage(&usage),
    };
    service_kit::exit_code(&run(&command_line.arguments))
}
