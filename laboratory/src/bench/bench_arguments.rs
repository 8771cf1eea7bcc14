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
pub struct BenchArguments {
    #[command(flatten)]
    settings: SettingsArguments,

    /// Number of subscribers; several numbers are measured one after the other
    #[arg(long, value_name = "N", value_delimiter = ',', default_values_t = [1, 10], value_parser = RangedU64ValueParser::<usize>::new().range(1..=2000))]
    subscribers: Vec<usize>,

    /// Number of events in the throughput part of a run [default: 200000 for one subscriber, fewer for many]
    #[arg(long, value_name = "COUNT", value_parser = RangedU64ValueParser::<u64>::new().range(1..=1_000_000_000))]
    events: Option<u64>,

    /// Size of the value of an event, in bytes
    #[arg(long, value_name = "BYTES", default_value_t = 200, value_parser = value_bytes)]
    pub(super) value_bytes: usize,

    /// Events per second of the latency part
    #[arg(long, value_name = "R", default_value_t = 200.0, value_parser = rate)]
    pub(super) rate: f64,

    /// Duration of the latency part
    #[arg(long, value_name = "S", default_value_t = 5.0, value_parser = seconds)]
    pub(super) latency_seconds: f64,

    /// Number of events that the pusher may be ahead of the slowest subscriber, so that no queue overflows [default:
    /// 8000 for one subscriber, fewer for more]
    #[arg(long, value_name = "W", value_parser = RangedU64ValueParser::<u64>::new().range(1..=1_000_000))]
    window: Option<u64>,

    /// Number of runs; the medians are reported
    #[arg(long, value_name = "R", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub(super) runs: u32,

    /// Measure another service with the same wire protocol, alternating with ours: a command that binds the IPC endpoint
    /// in its last argument and prints its network address, {"ready":true,"network":"tcp://…"}
    #[arg(long, value_name = "COMMAND")]
    pub(super) peer: Option<String>,

    /// Measure another complete system, alternating with ours: a command with the arguments subscribers, events, value
    /// size, events per second and events of the latency part, which prints its results like benches/peers/whole.py
    #[arg(long, value_name = "COMMAND")]
    pub(super) whole: Option<String>,

    /// Name of our series [default: the driver aliases]
    #[arg(long, value_name = "NAME")]
    name: Option<String>,

    /// Print the report as JSON instead of tables
    #[arg(long)]
    pub(super) json: bool,

    /// Also write the report as JSON to this file
    #[arg(long, value_name = "FILE")]
    pub(super) save: Option<PathBuf>,

    /// Write a plot of throughput and latency to this SVG file
    #[arg(long, value_name = "FILE")]
    pub(super) svg: Option<PathBuf>,

    /// Do not show progress
    #[arg(long)]
    pub(super) no_progress: bool,

    #[command(flatten)]
    pub(super) log: LogArguments,
}

impl BenchArguments {
    /// The numbers of subscribers to measure.
    pub(super) fn subscribers(&self) -> impl Iterator<Item = usize> + '_ {
        self.subscribers.iter().copied()
    }

    /// The settings of one run: those of the user, with separate addresses.
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

    /// The name of the series of these settings.
    pub(super) fn name_of(&self, settings: &Settings) -> String {
        let pubsub = settings.pubsub();
        self.name.clone().unwrap_or_else(|| match pubsub.pub_sub_use_multiproc {
            true => format!("{} → {}", pubsub.pub_sub_multiproc_driver, pubsub.pub_sub_driver),
            false => pubsub.pub_sub_driver.clone(),
        })
    }

    /// The parameters of a run with this number of subscribers.
    pub(super) fn case(&self, contender: &Contender, subscribers: usize) -> Case {
        /// Less than the 10,000 events that the drivers' queues hold by default.
        const WIDEST_WINDOW: u64 = 8_000;
        /// Another complete system gets this much fewer events, because it is much slower.
        const FEWER: u64 = 4;
        let n = subscribers as u64;
        // With a million deliveries per second a run takes seconds for any number of subscribers.
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
    /// More than the size of the other fields of an event.
    const MAP_REST: usize = 1024;
    let range = HEAD_BYTES..=MAX_EVENT_BYTES - MAP_REST;
    let bytes = text.parse().map_err(|_| format!("{text:?} is not a number of bytes"))?;
    if range.contains(&bytes) {
        return Ok(bytes);
    }
    Err(format!("must be from {} (the size of index and time) to {}", range.start(), range.end()))
}

fn rate(text: &str) -> Result<f64, String> {
    between(text, 0.1, 1_000_000.0)
}

fn seconds(text: &str) -> Result<f64, String> {
    between(text, 0.0, 3600.0)
}

fn between(text: &str, least: f64, most: f64) -> Result<f64, String> {
    let number: f64 = text.parse().map_err(|_| format!("{text:?} is not a number"))?;
    if (least..=most).contains(&number) { Ok(number) } else { Err(format!("must be from {least} to {most}")) }
}
