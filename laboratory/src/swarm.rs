//! `skimmer swarm`: many subscribers in one process, to test restarts at scale.

mod follower;
mod tallies;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use clap::Args;
use clap::builder::RangedU64ValueParser;
use delivery::subscriber::TrackedSubscriber;
use pubsub_api::settings::Settings;
use pubsub_api::{Error, ErrorKind, Pattern, Registry, Result};
use service_kit::{
    LogArguments, SettingsArguments, Signal, Signals, WriteQueue, block_on, use_all_descriptors,
};
use settings::parse_duration;
use subscriber_agent::{listen_to_publishers, tracked_subscriber};
use tokio::task::{JoinError, JoinSet};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until, timeout};

use follower::follow;
use tallies::Tallies;

/// The arguments of `skimmer swarm`.
#[derive(Debug, Clone, Args)]
pub struct SwarmArguments {
    #[command(flatten)]
    settings: SettingsArguments,

    /// Number of subscribers, each with its own connections and trackers
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = RangedU64ValueParser::<usize>::new().range(1..=10_000))]
    agents: usize,

    /// Pattern that each subscribes to
    #[arg(long, value_name = "PATTERN", default_value = "#")]
    pattern: Pattern,

    /// Exit after this time, with status 69 if no subscriber is live
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    timeout: Option<Duration>,

    #[command(flatten)]
    log: LogArguments,
}

/// The interval at which the counters are read; they are printed only if they have changed.
const REPORT_INTERVAL: Duration = Duration::from_millis(100);

/// The default timeout, a year: practically never, but it does not overflow a clock.
const NEVER: Duration = Duration::from_secs(365 * 24 * 3600);

/// The longest wait for the reader of stdout at the end.
const OUTPUT_TIMEOUT: Duration = Duration::from_secs(1);

/// Subscribes, and prints the number of live subscribers whenever it changes, until a signal or the timeout.
///
/// # Errors
/// [`ErrorKind::Unavailable`] if no subscriber is live at the end; the errors of the settings and of the driver.
pub fn run(arguments: &SwarmArguments) -> Result<()> {
    arguments.log.start();
    use_all_descriptors();
    let registry = Registry::collect()?;
    let settings = arguments.settings.load_and_warn(&registry)?;
    block_on(swarm(&registry, &settings, arguments))
}

async fn swarm(registry: &Registry, settings: &Settings, arguments: &SwarmArguments) -> Result<()> {
    let mut signals = Signals::install()?;
    let tallies = Arc::new(Tallies::default());
    let mut followers = start(registry, settings, arguments, &tallies).await?;
    let mut reports = interval(REPORT_INTERVAL);
    reports.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let end = Instant::now() + arguments.timeout.unwrap_or(NEVER);
    let (output, mut last) = (WriteQueue::stdout(), String::new());
    loop {
        tokio::select! {
            () = sleep_until(end) => break,
            signal = signals.next() => if matches!(signal, Signal::Stop | Signal::Drain) { break },
            _ = reports.tick() => {
                let line = tallies.state(arguments.agents).to_string();
                if line != last {
                    output.offer_line(&line);
                    last = line;
                }
            }
            Some(ended) = followers.join_next() => return ended.unwrap_or_else(|error| Err(panicked(error))),
        }
    }
    let live = tallies.live.load(Ordering::Relaxed);
    followers.shutdown().await;
    finish(&output, &tallies.summary(arguments.agents).to_string()).await;
    if live == 0 {
        let text = "no subscriber was live at the end; check publishers_ips";
        return Err(Error::new(ErrorKind::Unavailable, text));
    }
    Ok(())
}

/// Writes the last line. A reader that does not read must not keep the process alive.
async fn finish(output: &WriteQueue, summary: &str) {
    output.offer_line(summary);
    let _ = timeout(OUTPUT_TIMEOUT, output.written()).await;
}

fn panicked(error: JoinError) -> Error {
    Error::new(ErrorKind::Internal, "the task of a subscriber panicked").with_source(error)
}

/// Starts a subscriber and its task for each agent.
async fn start(
    registry: &Registry,
    settings: &Settings,
    arguments: &SwarmArguments,
    tallies: &Arc<Tallies>,
) -> Result<JoinSet<Result<()>>> {
    let mut followers = JoinSet::new();
    for _ in 0..arguments.agents {
        let subscriber = subscriber(registry, settings, &arguments.pattern)?;
        subscriber.initialize().await?;
        followers.spawn(follow(subscriber, Arc::clone(tallies)));
    }
    Ok(followers)
}

fn subscriber(registry: &Registry, settings: &Settings, pattern: &Pattern) -> Result<TrackedSubscriber> {
    let subscriber = tracked_subscriber(registry, settings)?;
    listen_to_publishers(&subscriber, registry, settings)?;
    subscriber.register_topic(pattern.clone().into())?;
    Ok(subscriber)
}
