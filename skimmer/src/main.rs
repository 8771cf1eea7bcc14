//! `skimmer`: the command line of Skimmer.

mod agents;
mod cli;
mod config;
mod db;
mod doctor;
mod drain;
mod drivers_list;
mod dse;
mod explain;
mod keys;
mod lines;
mod man;
mod publish;
mod record;
mod replay;
mod service;
mod status;
mod subscribe;
mod top;
mod trace;

use std::process::ExitCode;

use clap::Parser;
use data_services_kinds as _;
use drivers as _;

fn main() -> ExitCode {
    match cli::Cli::try_parse() {
        Ok(cli) => service_kit::exit_code(&cli.run()),
        Err(usage) => service_kit::usage(&usage),
    }
}
