mod change_log;
mod observer;
mod stage;
mod summary;

use std::time::Duration;

use clap::Args;
use clap::builder::RangedU64ValueParser;
use indicatif::{ProgressBar, ProgressStyle};
use pubsub_api::{Error, ErrorKind, Result};
use service_kit::{block_on, tell};
use tokio::time::{Instant, sleep_until};

use crate::scratch::Scratch;
use change_log::ChangeLog;
use observer::{Observer, SentTimes};
use stage::{Stage, Workers};
use summary::Summary;

/// The arguments of `skimmer demo`.
#[derive(Debug, Clone, Args)]
pub(crate) struct Arguments {
    /// API worker processes, which share the change log by key
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = RangedU64ValueParser::<usize>::new().range(1..=64))]
    workers: usize,

    /// Subscriber agent processes
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = RangedU64ValueParser::<usize>::new().range(1..=64))]
    agents: usize,

    /// Events per second, all workers together; 0 for as fast as possible
    #[arg(long, value_name = "R", default_value_t = 2000)]
    rate: u32,

    /// Changes a setting for all processes, such as a driver's alias; may be repeated
    #[arg(long = "set", value_name = "NAME=VALUE")]
    sets: Vec<String>,
}

/// For how long nothing must arrive before what is missing counts as lost.
const PATIENCE: Duration = Duration::from_secs(10);

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let log = ChangeLog::recorded()?;
    let summary = block_on(play(arguments, &log))?;
    tell(&summary);
    if summary.is_good() {
        tell("Every agent has every event, in order, and ends with the table that the log describes.");
        return Ok(());
    }
    Err(Error::new(ErrorKind::Internal, "what the agents have differs from the log; see the table above"))
}

async fn play(arguments: &Arguments, log: &ChangeLog) -> Result<Summary> {
    let scratch = Scratch::new("demo")?;
    eprintln!(
        "playing {} events of a cloud's day: {} workers, 1 publisher service, {} agents",
        log.len(),
        arguments.workers,
        arguments.agents
    );
    let mut stage = Stage::set(&scratch, arguments.agents, &arguments.sets).await?;
    let mut workers = stage.start_workers(arguments.workers)?;
    let sent = SentTimes::new(log.len());
    let observers = stage.observe(log, &sent)?;
    let progress = progress_bar(log.len());

    let started = Instant::now();
    feed(&mut workers, log, arguments.rate, &sent, &progress).await?;
    workers.end().await?;
    wait_for_arrival(&observers, log.len()).await;
    let took = started.elapsed();

    progress.finish_and_clear();
    stage.end().await?;
    let mut summary = Summary::new(log, took);
    for observer in observers {
        summary.add(&observer.finish().await?);
    }
    Ok(summary)
}

/// Gives each line to the worker of its key, at the wanted rate.
async fn feed(
    workers: &mut Workers,
    log: &ChangeLog,
    rate: u32,
    sent: &SentTimes,
    progress: &ProgressBar,
) -> Result<()> {
    let started = Instant::now();
    for (index, line) in log.lines().enumerate() {
        if rate > 0 {
            let due = Duration::from_secs_f64(
                f64::from(u32::try_from(index).unwrap_or(u32::MAX)) / f64::from(rate),
            );
            sleep_until(started + due).await;
        }
        sent.mark(index);
        workers.write(log.shard(index, workers.len()), line).await?;
        progress.inc(1);
    }
    Ok(())
}

/// Returns when every observer has everything, or when nothing more comes.
async fn wait_for_arrival(observers: &[Observer], wanted: usize) {
    const LOOK_EVERY: Duration = Duration::from_millis(20);
    let arrived = || observers.iter().map(Observer::received).sum::<usize>();
    let mut last = (arrived(), Instant::now());
    while arrived() < wanted * observers.len() && last.1.elapsed() < PATIENCE {
        tokio::time::sleep(LOOK_EVERY).await;
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
