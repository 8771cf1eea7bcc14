use std::time::Duration;

use clap::Args;
use pubsub_api::{Error, ErrorKind, Result};
use service_kit::{DrainProgress, DrainRequest, Query, SettingsArguments, print_line};
use settings::parse_duration;

use crate::agents::{ask, read};

/// The arguments of `skimmer drain`.
#[derive(Debug, Clone, Args)]
#[command(
    after_help = "Workers cannot publish from the start of the drain to the next start of the service: their events wait in them, \
                  up to their bound. Exit status 69: agents had not received everything; they receive the rest after the \
                  next start of the service. Only root and the user that the service runs as may drain it.\n\n\
                  Example: skimmer drain --config skimmer.toml --agents-timeout 30s"
)]
pub(crate) struct Arguments {
    #[command(flatten)]
    settings: SettingsArguments,

    /// How long agents may take to receive what is published, such as 30s; by default service.drain_agents_timeout
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    agents_timeout: Option<Duration>,

    /// Print how it ended as one JSON document
    #[arg(long)]
    json: bool,
}

/// How often the progress is read; a service that has drained waits a second for that.
const INTERVAL: Duration = Duration::from_millis(100);

/// How long a service that has drained may take to exit.
const EXIT_TIMEOUT: Duration = Duration::from_secs(10);

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let agents_timeout_ms =
        arguments.agents_timeout.map(|timeout| u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX));
    let request = Query::Drain(DrainRequest { agents_timeout_ms });
    let mut shown = None;
    loop {
        let progress: DrainProgress = match ask(&arguments.settings, &request) {
            Ok(reply) => read(reply)?,
            Err(error) if shown.is_none() => return Err(error),
            Err(error) => {
                let text = "the service ended before it reported how the drain ended: see its log";
                return Err(Error::new(ErrorKind::Unavailable, text).with_source(error));
            }
        };
        if let DrainProgress::Ended { left } = progress {
            wait_for_exit(&arguments.settings)?;
            return report(left, arguments.json);
        }
        if shown.as_ref() != Some(&progress) {
            if !arguments.json {
                print_line(sentence(&progress));
            }
            shown = Some(progress);
        }
        pause();
    }
}

fn sentence(progress: &DrainProgress) -> &'static str {
    match progress {
        DrainProgress::Requested => "the service begins to drain",
        DrainProgress::Workers => "it publishes the events that workers have sent, and receives no more",
        DrainProgress::Agents => "agents receive what is published",
        DrainProgress::Ended { .. } => "it exits",
    }
}

fn report(left: Option<String>, json: bool) -> Result<()> {
    if json {
        print_line(serde_json::json!({ "drained": left.is_none(), "left": left }).to_string());
    }
    match left {
        Some(left) => Err(Error::new(ErrorKind::Unavailable, format!("the service stopped, but {left}"))),
        None if json => Ok(()),
        None => {
            print_line("drained and stopped: every agent has received every acknowledged event");
            Ok(())
        }
    }
}

fn wait_for_exit(settings: &SettingsArguments) -> Result<()> {
    let deadline = std::time::Instant::now() + EXIT_TIMEOUT;
    while ask(settings, &Query::Drain(DrainRequest::default())).is_ok() {
        if std::time::Instant::now() >= deadline {
            let text = format!("the service has drained, but has not exited within {EXIT_TIMEOUT:?}");
            return Err(Error::new(ErrorKind::Unavailable, text));
        }
        pause();
    }
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "the service is asked at intervals")]
fn pause() {
    std::thread::sleep(INTERVAL);
}
