//! `fanout-bench [--modes …] [--peers …]`

use std::process::ExitCode;

use clap::Parser;
use fanout_bench::CommandLine;

fn main() -> ExitCode {
    match fanout_bench::run(&CommandLine::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
