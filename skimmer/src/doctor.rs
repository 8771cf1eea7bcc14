mod check;
mod checks;
mod facts;
mod host_role;
mod page;
mod report;
mod verdict;

use std::time::Duration;

use clap::Args;
use pubsub_api::{Error, ErrorKind, Registry, Result};
use service_kit::{SettingsArguments, block_on, print_line};
use settings::parse_duration;

use host_role::HostRole;
use report::Report;

/// The arguments of `skimmer doctor`.
#[derive(Debug, Clone, Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    settings: SettingsArguments,

    /// Role of this host; without it, those whose programs have run with `state_dir`
    #[arg(long = "for", value_enum, value_name = "ROLE")]
    role: Option<HostRole>,

    /// Longest wait for each reply of a peer, of a program or of the database
    #[arg(long, value_name = "DURATION", default_value = "3s", value_parser = parse_duration)]
    timeout: Duration,

    /// Print one JSON document
    #[arg(long)]
    json: bool,

    /// Print also the checks that are not applicable
    #[arg(long, conflicts_with = "json")]
    all: bool,

    /// List the checks, as the page docs/doctor.md, and check nothing
    #[arg(long, conflicts_with_all = ["json", "all", "role"])]
    list: bool,
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    if arguments.list {
        print_line(page::page().trim_end());
        return Ok(());
    }
    let report = examine(arguments)?;
    if arguments.json {
        let text = serde_json::to_string(&report)
            .map_err(|error| Error::new(ErrorKind::Internal, "cannot encode JSON").with_source(error))?;
        print_line(text);
    } else {
        report.show(arguments.all);
    }
    match report.failed().as_slice() {
        [] => Ok(()),
        failed => {
            let text = format!("{} checks failed: {}", failed.len(), failed.join(", "));
            Err(Error::new(ErrorKind::Unavailable, text))
        }
    }
}

fn examine(arguments: &Arguments) -> Result<Report> {
    let registry = Registry::collect()?;
    let (settings, warnings) = match arguments.settings.load(&registry) {
        Ok(loaded) => loaded,
        Err(error) => return Ok(Report::of_unreadable_settings(&error.to_string())),
    };
    let gathering = async {
        let facts = facts::gather(&registry, &settings, arguments.role, arguments.timeout).await;
        Ok(match facts {
            Ok(mut facts) => {
                facts.settings.warnings.extend(warnings.iter().map(ToString::to_string));
                Report::of(&facts)
            }
            Err(error) => Report::of_unreadable_settings(&error.to_string()),
        })
    };
    block_on(gathering)
}
