use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use delivery::publisher_id;
use northbound::{Northbound, NorthboundOptions, PUBLISHER_TABLE};
use publisher_client::PublisherClient;
use pubsub_api::database::{DbApi, RowName};
use pubsub_api::settings::Settings;
use pubsub_api::{Error, ErrorKind, Registry, Result};
use service_kit::report;
use settings::parse_duration;

/// The arguments of `skimmer service leave`.
#[derive(Debug, Clone, Args)]
pub(super) struct Leave {
    /// Id of the publisher; default: the publisher of these settings
    #[arg(long)]
    id: Option<String>,

    /// Longest wait for the confirmation of the event; without one, the publisher stays in the directory
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = parse_duration)]
    timeout: Duration,
}

impl Leave {
    /// The setting for half of `timeout`, so that a full queue is reported before the event is in doubt.
    pub(super) fn send_timeout(&self) -> String {
        format!("send_timeout={}ms", self.timeout.as_millis() / 2)
    }

    pub(super) async fn run(&self, registry: &Registry, settings: &Settings) -> Result<()> {
        let database = registry.open_database(&settings.pubsub().nb_db_class, settings)?;
        let client = PublisherClient::open(settings)?;
        database.initialize().await?;
        let left = self.remove(&database, &client, &self.id(settings)).await;
        let closed = database.close().await;
        left.and(closed)
    }

    fn id(&self, settings: &Settings) -> String {
        self.id.clone().unwrap_or_else(|| publisher_id(settings))
    }

    async fn remove(&self, database: &Arc<dyn DbApi>, client: &PublisherClient, id: &str) -> Result<()> {
        let options = NorthboundOptions { confirm_within: self.timeout, ..NorthboundOptions::default() };
        let northbound = Northbound::new(Arc::clone(database), client.publisher(), options);
        client.initialize().await?;
        let deleted = northbound.delete(RowName::new(PUBLISHER_TABLE, id), None).await;
        let closed = client.close().await;
        match deleted {
            Ok(_) => {
                report(format_args!("removed publisher {id} from the directory"));
                closed
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let text = format!(
                    "publisher {id:?} is not in the directory; `skimmer service list` shows the publishers"
                );
                Err(Error::new(ErrorKind::NotFound, text))
            }
            Err(error) => Err(error),
        }
    }
}
