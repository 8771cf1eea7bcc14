use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use clap::builder::RangedU64ValueParser;
use pubsub_api::settings::Settings;
use pubsub_api::wire::MAX_EVENT_BYTES;
use service_kit::{LogArguments, SettingsArguments};

use super::contender::Contender;
use super::measure::Case;
use super::payload::HEAD_BYTES;
use super::service::ServiceKind;

/// The arguments of `skimmer bench`.
#[derive(Debug, Clone, Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    settings: SettingsArguments,

    /// How many subscribers; several numbers are measured one after the other
    #[arg(long, value_name = "N", value_delimiter = ',', default_values_t = [1, 10], value_parser = RangedU64ValueParser::<usize>::new().range(1..=2000))]
    subscribers: Vec<usize>,

    /// Events of the throughput part of a run [default: 200000 to one subscriber, fewer to very many]
    #[arg(long, value_name = "COUNT", value_parser = RangedU64ValueParser::<u64>::new().range(1..=1_000_000_000))]
    events: Option<u64>,

    /// Bytes of an event's value
    #[arg(long, value_name = "BYTES", default_value_t = 200, value_parser = value_bytes)]
    pub(super) value_bytes: usize,

    /// Events per second of the latency part
    #[arg(long, value_name = "R", default_value_t = 200.0, value_parser = rate)]
    pub(super) rate: f64,

    /// How long the latency part lasts
    #[arg(long, value_name = "S", default_value_t = 5.0, value_parser = seconds)]
    pub(super) latency_seconds: f64,

    /// How many events the pusher may be ahead of the slowest subscriber, so that no queue overflows [default: 8000
    /// to one subscriber, fewer to more]
    #[arg(long, value_name = "W", value_parser = RangedU64ValueParser::<u64>::new().range(1..=1_000_000))]
    window: Option<u64>,

    /// How often everything is measured; medians are reported
    #[arg(long, value_name = "R", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub(super) runs: u32,

    /// Measure another service on the same wire in turns with ours: a command that binds the IPC endpoint given as its
    /// last argument and says where it publishes, {"ready":true,"network":"tcp://…"}
    #[arg(long, value_name = "COMMAND")]
    pub(super) peer: Option<String>,

    /// Measure another whole system in turns with ours: a command that takes subscribers, events, bytes of the value,
    /// events per second and events of the latency part, and tells what it measured as benches/peers/whole.py does
    #[arg(long, value_name = "COMMAND")]
    pub(super) whole: Option<String>,

    /// Call our series so [default: the drivers' aliases]
    #[arg(long, value_name = "NAME")]
    name: Option<String>,

    /// Print everything as JSON instead of tables
    #[arg(long)]
    pub(super) json: bool,

    /// Write everything as JSON to this file besides
    #[arg(long, value_name = "FILE")]
    pub(super) save: Option<PathBuf>,

    /// Draw throughput and latency into this file
    #[arg(long, value_name = "FILE")]
    pub(super) svg: Option<PathBuf>,

    /// Show no progress
    #[arg(long)]
    pub(super) no_progress: bool,

    #[command(flatten)]
    pub(super) log: LogArguments,
}

impl Arguments {
    /// The numbers to measure with.
    pub(super) fn subscribers(&self) -> impl Iterator<Item = usize> + '_ {
        self.subscribers.iter().copied()
    }

    /// The settings of one run: those of the user, with addresses of its own.
    pub(super) fn settings_in(&self, folder: &Path, run: u32) -> SettingsArguments {
        let mut settings = self.settings.clone();
        settings.sets.extend([
            "publisher_bind_address=127.0.0.1".to_owned(),
            "publisher_port=0".to_owned(),
            format!("publisher_multiproc_socket={}", folder.join(format!("{run}.sock")).display()),
            format!("state_dir={}", folder.display()),
        ]);
        settings
    }

    /// What the series of these settings is called.
    pub(super) fn name_of(&self, settings: &Settings) -> String {
        let pubsub = settings.pubsub();
        self.name.clone().unwrap_or_else(|| match pubsub.pub_sub_use_multiproc {
            true => format!("{} → {}", pubsub.pub_sub_multiproc_driver, pubsub.pub_sub_driver),
            false => pubsub.pub_sub_driver.clone(),
        })
    }

    /// One run with so many subscribers.
    pub(super) fn case(&self, contender: &Contender, subscribers: usize) -> Case {
        /// Below the 10,000 events that the drivers' queues take by default.
        const WIDEST_WINDOW: u64 = 8_000;
        /// Another whole system gets fewer events: that it is far slower is why it is compared.
        const FEWER: u64 = 4;
        let n = subscribers as u64;
        // At a million deliveries per second a run lasts seconds, whatever N is.
        let events = self.events.unwrap_or_else(|| (4_000_000 / n).clamp(4_000, 200_000));
        let (kind, events) = match contender {
            Contender::Service(kind) => (kind.clone(), events),
            Contender::Whole(_) => (ServiceKind::Absent, (events / FEWER).max(1)),
        };
        Case {
            kind,
            subscribers,
            events,
            window: self.window.unwrap_or_else(|| (20_000 / n).clamp(200, WIDEST_WINDOW)),
            value_bytes: self.value_bytes,
            latency_events: (self.rate * self.latency_seconds).max(1.0) as u64,
            latency_interval: Duration::from_secs_f64(1.0 / self.rate),
        }
    }
}

fn value_bytes(text: &str) -> Result<usize, String> {
    /// The rest of a map of ours is shorter.
    const MAP_REST: usize = 1024;
    let range = HEAD_BYTES..=MAX_EVENT_BYTES - MAP_REST;
    let bytes = text.parse().map_err(|_| format!("{text:?} is no number of bytes"))?;
    if range.contains(&bytes) {
        return Ok(bytes);
    }
    Err(format!("from {} (index and time stand in it) to {}", range.start(), range.end()))
}

fn rate(text: &str) -> Result<f64, String> {
    between(text, 0.1, 1_000_000.0)
}

fn seconds(text: &str) -> Result<f64, String> {
    between(text, 0.0, 3600.0)
}

fn between(text: &str, least: f64, most: f64) -> Result<f64, String> {
    let number: f64 = text.parse().map_err(|_| format!("{text:?} is no number"))?;
    if (least..=most).contains(&number) { Ok(number) } else { Err(format!("from {least} to {most}")) }
}
