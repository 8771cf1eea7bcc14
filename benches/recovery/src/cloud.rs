use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bench_kit::{ChildProcess, Scratch};
use publisher_client::PublisherClient;
use pubsub_api::settings::Settings;
use pubsub_api::{Action, Error, ErrorKind, Event, Registry, Result, SEND_ALL};
use service_kit::SettingsArguments;
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval};

/// A running publisher service, and a worker that publishes continuously.
pub(crate) struct Cloud {
    pub(crate) registry: Registry,
    pub(crate) settings: Settings,
    pub(crate) endpoint: String,
    client: Arc<PublisherClient>,
    worker: JoinHandle<()>,
    service: ChildProcess,
    _folder: Scratch,
}

/// Number of rows that change in turn: a snapshot of them is larger than a gap, so that a gap is replayed.
const BUSY_ROWS: usize = 100_000;

/// The value of each event: 200 bytes.
const VALUE_BYTES: usize = 200;

impl Cloud {
    pub(crate) async fn start(service: Option<&Path>, rate: u32) -> Result<Self> {
        let folder = Scratch::new("recovery-bench")?;
        let sets = vec![
            "publisher_port=0".to_owned(),
            format!("publisher_multiproc_socket={}", folder.path().join("ipc").display()),
            format!("state_dir={}", folder.path().display()),
        ];
        let (service, endpoint) = start_service(service, folder.path(), &sets).await?;
        let registry = Registry::collect()?;
        let (settings, _) = SettingsArguments { config: Vec::new(), sets }.load(&registry)?;
        let client = Arc::new(PublisherClient::open(&settings)?);
        client.initialize().await?;
        let worker = tokio::spawn(publish_continuously(Arc::clone(&client), rate));
        Ok(Self { registry, settings, endpoint, client, worker, service, _folder: folder })
    }

    /// Publishes this number of rows.
    pub(crate) async fn fill(&self, rows: usize) -> Result<()> {
        for row in 0..rows {
            self.client.send(&event("row", row)).await?;
        }
        self.client.flush().await
    }

    pub(crate) async fn end(self) -> Result<()> {
        self.worker.abort();
        self.client.close().await?;
        self.service.kill().await
    }
}

async fn start_service(
    program: Option<&Path>,
    folder: &Path,
    sets: &[String],
) -> Result<(ChildProcess, String)> {
    let beside = || std::env::current_exe().map(|this| this.with_file_name("publisher-service"));
    let program = match program {
        Some(program) => program.to_owned(),
        None => beside().unwrap_or_else(|_| PathBuf::from("publisher-service")),
    };
    let mut arguments = vec!["--log-level".to_owned(), "warn".to_owned()];
    arguments.extend(sets.iter().flat_map(|set| ["--set".to_owned(), set.clone()]));
    let mut service = ChildProcess::start("publisher-service", folder, &program, &arguments)?;
    let ready = service.expect_line(|line| line.get("network").is_some()).await?;
    match ready.get("network").and_then(serde_json::Value::as_str) {
        Some(endpoint) => Ok((service, endpoint.to_owned())),
        None => Err(Error::new(ErrorKind::Unavailable, "the service publishes to no network address")),
    }
}

/// Publishes at a rate until it is aborted.
async fn publish_continuously(client: Arc<PublisherClient>, rate: u32) {
    const TICK: Duration = Duration::from_millis(10);
    let mut ticks = interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    for turn in 0_usize.. {
        ticks.tick().await;
        for one in 0..usize::try_from(rate / 100).unwrap_or(0) {
            if client.send(&event("busy", (turn * 100 + one) % BUSY_ROWS)).await.is_err() {
                return;
            }
        }
    }
}

fn event(table: &str, row: usize) -> Event {
    Event::new(table, format!("row-{row}"), Action::Set, "v".repeat(VALUE_BYTES), SEND_ALL)
}
