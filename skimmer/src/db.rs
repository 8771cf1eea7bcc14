mod command;
mod show;

use std::sync::Arc;
use std::time::Duration;

use clap::{Args, ValueEnum};
use northbound::{Northbound, NorthboundOptions};
use publisher_client::PublisherClient;
use pubsub_api::database::DbApi;
use pubsub_api::settings::Settings;
use pubsub_api::{Registry, Result};
use service_kit::{LogArguments, SettingsArguments, block_on};
use settings::parse_duration;

use command::Command;

/// The arguments of `skimmer db`.
#[derive(Debug, Clone, Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    settings: SettingsArguments,

    /// Output format
    #[arg(long = "output", alias = "format", value_enum, default_value_t = Format::Table, global = true)]
    output: Format,

    /// Longest wait for the confirmation of an event; without one, the change is undone
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = parse_duration, global = true)]
    timeout: Duration,

    #[command(flatten)]
    log: LogArguments,

    #[command(subcommand)]
    command: Command,
}

/// The output format of rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Table for people
    Table,
    /// One JSON object per line
    #[value(alias = "json")]
    Jsonl,
}

/// The database and the publisher that the commands use.
struct Opened {
    database: Arc<dyn DbApi>,
    client: PublisherClient,
    northbound: Northbound,
    format: Format,
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    arguments.log.start_for_command();
    let registry = Registry::collect()?;
    let mut sources = arguments.settings.clone();
    sources.sets.push(format!("send_timeout={}ms", arguments.timeout.as_millis() / 2));
    let settings = sources.load_and_warn(&registry)?;
    let opened = Opened::new(&registry, &settings, arguments)?;
    block_on(async {
        opened.database.initialize().await?;
        let done = arguments.command.run(&opened).await;
        let closed = opened.database.close().await;
        done.and(closed)
    })
}

impl Opened {
    fn new(registry: &Registry, settings: &Settings, arguments: &Arguments) -> Result<Self> {
        let database = registry.open_database(&settings.pubsub().nb_db_class, settings)?;
        let client = PublisherClient::open(settings)?;
        let options =
            NorthboundOptions { confirm_within: arguments.timeout, ..NorthboundOptions::of(settings)? };
        let northbound = Northbound::new(Arc::clone(&database), client.publisher(), options);
        Ok(Self { database, client, northbound, format: arguments.output })
    }

    /// Opens the publisher, does `work`, and closes the publisher.
    async fn publishing(&self, work: impl Future<Output = Result<()>>) -> Result<()> {
        self.client.initialize().await?;
        let done = work.await;
        let closed = self.client.close().await;
        done.and(closed)
    }
}
