//! `skimmer demo`: a recorded day of a cloud, played through real processes.

mod change_log;
mod chaos;
mod dse;
mod observer;
mod redis;
mod stage;
mod summary;
mod workers;

use std::path::PathBuf;
use std::time::Duration;

use bench_kit::Scratch;
use clap::Args;
use clap::builder::RangedU64ValueParser;
use indicatif::{ProgressBar, ProgressStyle};
use pubsub_api::{Error, ErrorKind, Result};
use service_kit::{block_on, print_line, report};
use tokio::time::{Instant, sleep_until};

use change_log::ChangeLog;
use chaos::Chaos;
use observer::{Observer, SentTimes};
use redis::Redis;
use stage::Stage;
use summary::Summary;

/// The arguments of `skimmer demo`.
#[derive(Debug, Clone, Args)]
pub struct DemoArguments {
    /// Number of API worker processes, which share the change log by key
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = RangedU64ValueParser::<usize>::new().range(1..=64))]
    workers: usize,

    /// Number of subscriber agent processes
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = RangedU64ValueParser::<usize>::new().range(1..=64))]
    agents: usize,

    /// Events per second over all workers; 0: as fast as possible
    #[arg(long, value_name = "R", default_value_t = 2000)]
    rate: u32,

    /// While the log plays, kill the service twice, restart it once, kill a worker and pause an agent
    #[arg(long)]
    chaos: bool,

    /// Use Redis as broker and database: starts a redis-server; workers publish to it directly
    #[arg(long, conflicts_with = "chaos")]
    redis: bool,

    /// Run three nodes of the data services engine instead: one reads files, one derives a table, one shows it
    #[arg(long, conflicts_with_all = ["chaos", "workers", "agents", "rate"])]
    dse: bool,

    /// Play the events of a recording (`skimmer record`) instead
    #[arg(long, value_name = "FILE", conflicts_with = "dse")]
    recording: Option<PathBuf>,

    /// Set one setting for all processes, such as a driver alias; may be repeated
    #[arg(long = "set", value_name = "NAME=VALUE")]
    sets: Vec<String>,
}

/// If no event arrives for this long, missing events count as lost.
const IDLE_TIMEOUT: Duration = Duration::from_secs(10);

/// The same with `--chaos`. A snapshot may replace many events, so the number of events is not known; this is longer than the
/// service is down and the agents take to reconnect.
const CHAOS_IDLE_TIMEOUT: Duration = Duration::from_secs(5);

/// Plays the recorded day, or the nodes of the data services engine, and prints what arrived.
///
/// # Errors
/// [`ErrorKind::Internal`] if what arrived differs from what was sent, or a process ends early; [`ErrorKind::Unavailable`] if
/// a folder, a port or a server is not available.
pub fn run(arguments: &DemoArguments) -> Result<()> {
    if arguments.dse {
        return dse::run(arguments);
    }
    let log = match &arguments.recording {
        Some(path) => ChangeLog::of_recording(path)?,
        None => ChangeLog::recorded()?,
    };
    let summary = block_on(play(arguments, &log))?;
    print_line(&summary);
    if let Some(verdict) = summary.success() {
        print_line(verdict);
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::Internal,
        "the agents' events or tables differ from the log; see the table above",
    ))
}

async fn play(arguments: &DemoArguments, log: &ChangeLog) -> Result<Summary> {
    let scratch = Scratch::new("demo")?;
    let redis = if arguments.redis { Some(Redis::start(scratch.path()).await?) } else { None };
    report(format_args!(
        "playing {} recorded events: {} workers, 1 publisher service, {} agents",
        log.len(),
        arguments.workers,
        arguments.agents
    ));
    let mut sets = redis.as_ref().map(Redis::settings).unwrap_or_default();
    sets.extend(arguments.sets.iter().cloned());
    let mut stage = Stage::set(&scratch, arguments.agents, &sets).await?;
    let mut workers = stage.start_workers(arguments.workers)?;
    let sent = SentTimes::new(log.len());
    let observers = stage.observe(log, &sent)?;
    let progress = progress_bar(log.len());

    let started = Instant::now();
    let mut chaos = arguments.chaos.then(Chaos::default);
    for (index, line) in log.lines().enumerate() {
        sleep_until(due(started, index, arguments.rate)).await;
        if let Some(chaos) = &mut chaos {
            chaos.at(index, log.len(), &mut stage, &mut workers).await?;
        }
        sent.mark(index);
        workers.write(log.shard(index, workers.len()), line).await?;
        progress.inc(1);
    }
    workers.end().await?;
    let idle = if chaos.is_some() { CHAOS_IDLE_TIMEOUT } else { IDLE_TIMEOUT };
    wait_for_arrival(&observers, log, idle).await;
    let took = started.elapsed();

    progress.finish_and_clear();
    stage.end().await?;
    let mut summary = Summary::new(log, took, chaos.map(|chaos| chaos.tally));
    for observer in observers {
        summary.add(observer.finish().await?);
    }
    Ok(summary)
}

/// The time at which a line is due to be published.
fn due(started: Instant, index: usize, rate: u32) -> Instant {
    let per_second = f64::from(rate).max(f64::MIN_POSITIVE);
    let lines = f64::from(u32::try_from(index).unwrap_or(u32::MAX));
    if rate == 0 { started } else { started + Duration::from_secs_f64(lines / per_second) }
}

/// Returns when every observer has received every event of the log, or when no event arrives for `idle`.
async fn wait_for_arrival(observers: &[Observer], log: &ChangeLog, idle: Duration) {
    const POLL_INTERVAL: Duration = Duration::from_millis(20);
    let arrived = || observers.iter().map(Observer::received).sum::<usize>();
    let mut last = (arrived(), Instant::now());
    while !observers.iter().all(|observer| observer.is_done(log.len())) && last.1.elapsed() < idle {
        tokio::time::sleep(POLL_INTERVAL).await;
        let now = arrived();
        if now != last.0 {
            last = (now, Instant::now());
        }
    }
}

fn progress_bar(len: usize) -> ProgressBar {
    let bar = ProgressBar::new(len as u64);
    let template = "{bar:40} {pos}/{len} events published, {per_sec}";
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar
}
