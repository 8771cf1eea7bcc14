mod columns;

use std::io::{Write, stdout};
use std::time::Duration;

use clap::{Args, ValueEnum};
use delivery::subscriber::{Item, Origin, TrackedSubscriber};
use pubsub_api::json::LineOptions;
use pubsub_api::settings::{Settings, parse_duration};
use pubsub_api::wire::EventRef;
use pubsub_api::{
    Envelope, Error, ErrorKind, Event, Notice, Pattern, Registry, Result, Subscription, Topic, json,
};
use service_kit::{LogArguments, SettingsArguments, block_on};
use subscriber_agent::{listen_to_publishers, tracked_subscriber};
use tokio::time::{Instant, timeout_at};

/// The arguments of `skimmer sub`.
#[derive(Debug, Clone, Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    settings: SettingsArguments,

    /// A topic to subscribe to; may be repeated. Without topic and pattern: everything
    #[arg(long = "topic", value_name = "TOPIC")]
    topics: Vec<String>,

    /// A pattern to subscribe to, such as `port.#` or `tenant-*`; may be repeated
    #[arg(long = "pattern", value_name = "PATTERN")]
    patterns: Vec<Pattern>,

    /// End after so many events
    #[arg(long, value_name = "N")]
    count: Option<u64>,

    /// End after this time; the exit status is 69 if fewer than --count events arrived, or no publisher was reached
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    timeout: Option<Duration>,

    /// How events are printed; notices go to stderr
    #[arg(long, value_enum, default_value_t = Format::Jsonl)]
    output: Format,

    /// Prints notices (gap, recovering, live, resync, stale …) on stdout, as JSON lines at their place among the events
    #[arg(long)]
    show_gaps: bool,

    /// Adds to each event its stamp: publisher, epoch, number and time
    #[arg(long)]
    stamps: bool,

    #[command(flatten)]
    log: LogArguments,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// A JSON line per event.
    Jsonl,
    /// Columns for people: long texts are cut.
    Table,
}

/// A year: as good as never, and far from overflowing a clock.
const NEVER: Duration = Duration::from_secs(365 * 24 * 3600);

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    arguments.log.start();
    let registry = Registry::collect()?;
    let settings = arguments.settings.load_and_warn(&registry)?;
    let subscriptions = subscriptions(arguments)?;
    block_on(subscribe(&registry, &settings, subscriptions, arguments))
}

fn subscriptions(arguments: &Arguments) -> Result<Vec<Subscription>> {
    let mut all: Vec<Subscription> = arguments.patterns.iter().cloned().map(Subscription::from).collect();
    for topic in &arguments.topics {
        all.push(Topic::new(topic.clone())?.into());
    }
    if all.is_empty() {
        all.push("#".parse::<Pattern>()?.into());
    }
    Ok(all)
}

async fn subscribe(
    registry: &Registry,
    settings: &Settings,
    subscriptions: Vec<Subscription>,
    arguments: &Arguments,
) -> Result<()> {
    let subscriber = tracked_subscriber(registry, settings)?;
    listen_to_publishers(&subscriber, registry, settings)?;
    for subscription in subscriptions {
        subscriber.register_topic(subscription)?;
    }
    subscriber.initialize().await?;
    let ended = tokio::select! {
        ended = print(&subscriber, arguments) => ended,
        _ = tokio::signal::ctrl_c() => Ok(()),
    };
    subscriber.close().await;
    ended
}

async fn print(subscriber: &TrackedSubscriber, arguments: &Arguments) -> Result<()> {
    let deadline = Instant::now() + arguments.timeout.unwrap_or(NEVER);
    let mut left = arguments.count;
    let mut was_connected = false;
    if arguments.output == Format::Table && writeln!(stdout(), "{}", columns::header()).is_err() {
        return Ok(());
    }
    while left != Some(0) {
        let Ok(item) = timeout_at(deadline, subscriber.recv()).await else {
            return at_deadline(left, was_connected);
        };
        let item = item?;
        was_connected |= !matches!(item, Item::Notice(Notice::Stale { .. } | Notice::LinkDown { .. }));
        let is_read = match item {
            Item::Event { envelope, origin } => show_all(&[envelope], origin, &mut left, arguments)?,
            Item::Snapshot(snapshot) => show_all(&snapshot.rows, Origin::Snapshot, &mut left, arguments)?,
            Item::Notice(notice) => show_notice(&notice, arguments.show_gaps),
            Item::Clock(_) => continue,
        };
        if !is_read {
            return Ok(());
        }
    }
    Ok(())
}

/// How a subscription ends at its `--timeout`, with `left` events of `--count` still to come.
fn at_deadline(left: Option<u64>, was_connected: bool) -> Result<()> {
    let text = match left {
        _ if !was_connected => {
            "the timeout is over and no publisher was reached: see publishers_ips".to_owned()
        }
        Some(missing) => format!("the timeout is over and {missing} events are missing (--count)"),
        None => return Ok(()),
    };
    Err(Error::new(ErrorKind::Unavailable, text))
}

/// As many of the events as are still wanted. False if nobody reads any more.
fn show_all(
    envelopes: &[Envelope],
    origin: Origin,
    left: &mut Option<u64>,
    arguments: &Arguments,
) -> Result<bool> {
    for envelope in envelopes {
        if *left == Some(0) {
            break;
        }
        match EventRef::read(envelope.topic.as_bytes(), &envelope.payload) {
            Ok(event) => {
                if !show(&event.to_event(), origin, arguments)? {
                    return Ok(false);
                }
                *left = left.map(|left| left - 1);
            }
            Err(refused) => tracing::warn!("dropped what came on {}: {refused}", envelope.topic),
        }
    }
    Ok(true)
}

/// On stdout, at its place among the events, or on stderr. False if nobody reads any more.
fn show_notice(notice: &Notice, on_stdout: bool) -> bool {
    let line = serde_json::to_string(notice).unwrap_or_default();
    if on_stdout {
        return writeln!(stdout(), "{line}").is_ok();
    }
    eprintln!("{line}");
    true
}

/// False if nobody reads any more.
fn show(event: &Event, origin: Origin, arguments: &Arguments) -> Result<bool> {
    let options = LineOptions { origin: origin.name(), stamp: arguments.stamps };
    let line = match arguments.output {
        Format::Jsonl => json::to_line_with(event, options)?,
        Format::Table => columns::row(event, origin),
    };
    Ok(writeln!(stdout(), "{line}").is_ok())
}
