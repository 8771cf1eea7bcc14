use std::path::{Path, PathBuf};
use std::time::Duration;

use bench_kit::cannot;
use clap::builder::RangedU64ValueParser;
use clap::{Args, Parser, Subcommand, ValueEnum};
use pubsub_api::Result;

use crate::contender::{Contender, Kind, Programs};
use crate::mode::{Mode, Timing};

/// How fast, and at what CPU, memory and latency, does one server process fan events out, compared in the same run with libzmq,
/// NATS, Redis and raw socket writes?
#[derive(Debug, Parser)]
#[command(version, args_conflicts_with_subcommands = true)]
pub struct CommandLine {
    #[command(subcommand)]
    pub(crate) server: Option<Serve>,

    #[command(flatten)]
    pub(crate) bench: Arguments,
}

/// The servers that this program contains.
#[derive(Debug, Subcommand)]
pub(crate) enum Serve {
    /// Write the input of a Unix socket to all TCP connections: the server that the bench starts as `raw`
    Raw {
        /// Number of TCP connections to accept before anything is read
        #[arg(long, value_name = "N")]
        subscribers: usize,

        /// The Unix socket to bind
        #[arg(long, value_name = "PATH")]
        socket: PathBuf,
    },
}

/// The arguments of the bench.
#[derive(Debug, Clone, Args)]
pub(crate) struct Arguments {
    /// What to measure
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = [Mode::Throughput, Mode::Latency, Mode::Memory, Mode::Topics])]
    pub(crate) modes: Vec<Mode>,

    /// The servers, in turns
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = Kind::value_variants().to_vec())]
    peers: Vec<Kind>,

    /// Use this setting for our service, like its own --set
    #[arg(long = "set", value_name = "NAME=VALUE")]
    settings: Vec<String>,

    /// Also measure our service with other settings, as a server called NAME: NAME:SETTING=VALUE[,SETTING=VALUE…]. With
    /// `service.operations_bind=HOST:PORT` its metrics are scraped every second, as Prometheus does
    #[arg(long = "variant", value_name = "NAME:SETTINGS", value_parser = variant)]
    variants: Vec<Contender>,

    /// Also measure an earlier build of our service, fed by PUSH, as a server called `before`: shows the cost of a change
    #[arg(long, value_name = "PATH")]
    before: Option<PathBuf>,

    /// Numbers of subscribers, in every mode [default: throughput 1,10,100,500, latency 1,100,500, memory 1000, topics
    /// 50,500,2000]
    #[arg(long, value_name = "N", value_delimiter = ',', value_parser = RangedU64ValueParser::<usize>::new().range(1..=50_000))]
    pub(crate) subscribers: Vec<usize>,

    /// Number of runs of each measurement; medians are reported
    #[arg(long, value_name = "R", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub(crate) runs: u32,

    /// Time for which a run pushes at full speed, after its warm-up
    #[arg(long, value_name = "S", default_value = "3", value_parser = seconds)]
    seconds: Duration,

    /// Time for which a run pushes at the low rate, after its warm-up
    #[arg(long, value_name = "S", default_value = "5", value_parser = seconds)]
    latency_seconds: Duration,

    /// Warm-up time of a run
    #[arg(long, value_name = "S", default_value = "0.5", value_parser = seconds)]
    warm_up: Duration,

    /// Events per second at the low rate
    #[arg(long, value_name = "R", default_value_t = 500, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    rate: u32,

    /// Number of subscribers that never read, in memory
    #[arg(long, value_name = "N", default_value_t = 20)]
    stalled: usize,

    /// The program of our service [default: publisher-service, beside this program]
    #[arg(long, value_name = "PATH")]
    service: Option<PathBuf>,

    /// A Python with pyzmq
    #[arg(long, value_name = "PATH", default_value = "python3")]
    python: PathBuf,

    /// The program of NATS [default: found by PATH or root's PATH]
    #[arg(long, value_name = "PATH")]
    nats: Option<PathBuf>,

    /// The program of Redis [default: found by PATH or root's PATH]
    #[arg(long, value_name = "PATH")]
    redis: Option<PathBuf>,

    /// The folder with the latest peers: omq-forwarder, nats-server and valkey-server
    #[arg(long, value_name = "FOLDER", default_value = "target/latest-peers")]
    latest_peers: PathBuf,

    /// Write all results as JSON to this file
    #[arg(long, value_name = "FILE")]
    pub(crate) save: Option<PathBuf>,

    /// Draw deliveries per second and CPU per delivery into this file
    #[arg(long, value_name = "FILE")]
    pub(crate) svg: Option<PathBuf>,
}

impl Arguments {
    pub(crate) fn timing(&self) -> Timing {
        let (warm_up, full, paced) = (self.warm_up, self.seconds, self.latency_seconds);
        Timing { warm_up, full, paced, rate: self.rate, stalled: self.stalled }
    }

    /// The servers, in the order of their turns.
    pub(crate) fn contenders(&self) -> Vec<Contender> {
        let plain = |kind: &Kind| {
            let name = ValueEnum::to_possible_value(kind).map(|value| value.get_name().to_owned());
            let settings = if *kind == Kind::Skimmer { self.settings.clone() } else { Vec::new() };
            Contender { name: name.unwrap_or_default(), kind: *kind, settings, before: None }
        };
        let before = self.before.iter().map(|path| Contender {
            name: "before".to_owned(),
            kind: Kind::Skimmer,
            settings: self.settings.clone(),
            before: Some(std::path::absolute(path).unwrap_or_else(|_| path.clone())),
        });
        self.peers.iter().map(plain).chain(before).chain(self.variants.iter().cloned()).collect()
    }

    pub(crate) fn programs(&self) -> Result<Programs> {
        let this = std::env::current_exe().map_err(cannot("find this program"))?;
        let service = self.service.clone().unwrap_or_else(|| this.with_file_name("publisher-service"));
        let service = std::path::absolute(service).map_err(cannot("find the program of our service"))?;
        let found = |given: &Option<PathBuf>, name| given.clone().unwrap_or_else(|| find(name));
        let python = match self.python.components().count() {
            1 => self.python.clone(),
            _ => std::path::absolute(&self.python).map_err(cannot("find Python"))?,
        };
        Ok(Programs {
            service,
            python,
            nats: found(&self.nats, "nats-server"),
            redis: found(&self.redis, "redis-server"),
            latest: std::path::absolute(&self.latest_peers).map_err(cannot("find the latest peers"))?,
            this,
        })
    }
}

/// Debian installs servers in folders that only root's PATH contains.
fn find(name: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain(["/usr/sbin", "/usr/local/sbin"].map(PathBuf::from));
    let found = folders.map(|folder| folder.join(name)).find(|file| Path::is_file(file));
    found.unwrap_or_else(|| PathBuf::from(name))
}

fn variant(text: &str) -> std::result::Result<Contender, String> {
    let (name, settings) = text.split_once(':').ok_or("expected NAME:SETTING=VALUE[,SETTING=VALUE…]")?;
    let settings: Vec<String> = settings.split(',').map(str::to_owned).collect();
    match settings.iter().find(|setting| !setting.contains('=')) {
        Some(other) => Err(format!("{other:?} is not SETTING=VALUE")),
        None => Ok(Contender { name: name.to_owned(), kind: Kind::Skimmer, settings, before: None }),
    }
}

fn seconds(text: &str) -> std::result::Result<Duration, String> {
    const RANGE: std::ops::RangeInclusive<f64> = 0.1..=3600.0;
    let seconds: f64 = text.parse().map_err(|_| format!("{text:?} is not a number of seconds"))?;
    if RANGE.contains(&seconds) {
        return Ok(Duration::from_secs_f64(seconds));
    }
    Err(format!("must be from {} to {} seconds", RANGE.start(), RANGE.end()))
}
