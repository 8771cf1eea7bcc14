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
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until, timeout};

use follower::follow;
use tallies::Tallies;

/// The arguments of `skimmer swarm`.
#[derive(Debug, Clone, Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    settings: SettingsArguments,

    /// How many subscribers, each with connections and trackers of its own
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = RangedU64ValueParser::<usize>::new().range(1..=10_000))]
    agents: usize,

    /// What each subscribes to
    #[arg(long, value_name = "PATTERN", default_value = "#")]
    pattern: Pattern,

    /// End after this time; the exit status is 69 if no subscriber is live then
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    timeout: Option<Duration>,

    #[command(flatten)]
    log: LogArguments,
}

/// How often the tallies are looked at; they are written only when they have changed.
const LOOK: Duration = Duration::from_millis(100);

/// A year: as good as never, and far from overflowing a clock.
const NEVER: Duration = Duration::from_secs(365 * 24 * 3600);

/// How long the end waits for the reader of stdout.
const OUTPUT_PATIENCE: Duration = Duration::from_secs(1);

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    arguments.log.start();
    use_all_descriptors();
    let registry = Registry::collect()?;
    let settings = arguments.settings.load_and_warn(&registry)?;
    block_on(swarm(&registry, &settings, arguments))
}

async fn swarm(registry: &Registry, settings: &Settings, arguments: &Arguments) -> Result<()> {
    let mut signals = Signals::install()?;
    let tallies = Arc::new(Tallies::default());
    let mut followers = JoinSet::new();
    for _ in 0..arguments.agents {
        let subscriber = subscriber(registry, settings, &arguments.pattern)?;
        subscriber.initialize().await?;
        followers.spawn(follow(subscriber, Arc::clone(&tallies)));
    }
    let mut looks = interval(LOOK);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let end = Instant::now() + arguments.timeout.unwrap_or(NEVER);
    let (output, mut told) = (WriteQueue::stdout(), String::new());
    loop {
        tokio::select! {
            () = sleep_until(end) => break,
            signal = signals.next() => if signal == Signal::Stop { break },
            _ = looks.tick() => {
                let line = tallies.state(arguments.agents).to_string();
                if line != told {
                    output.offer_line(&line);
                    told = line;
                }
            }
            Some(ended) = followers.join_next() => {
                return ended.unwrap_or_else(|error| Err(Error::new(ErrorKind::Internal, "a subscriber failed").with_source(error)));
            }
        }
    }
    let live = tallies.live.load(Ordering::Relaxed);
    followers.shutdown().await;
    output.offer_line(&tallies.summary(arguments.agents).to_string());
    // A reader that does not read keeps nobody here.
    let _ = timeout(OUTPUT_PATIENCE, output.written()).await;
    if live == 0 {
        return Err(Error::new(
            ErrorKind::Unavailable,
            "no subscriber was live at the end: see publishers_ips",
        ));
    }
    Ok(())
}

fn subscriber(registry: &Registry, settings: &Settings, pattern: &Pattern) -> Result<TrackedSubscriber> {
    let subscriber = tracked_subscriber(registry, settings)?;
    listen_to_publishers(&subscriber, registry, settings)?;
    subscriber.register_topic(pattern.clone().into())?;
    Ok(subscriber)
}
