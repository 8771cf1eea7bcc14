mod columns;

use std::io::{IsTerminal, stdout};
use std::time::Duration;

use clap::{Args, ValueEnum};
use delivery::subscriber::{DeliveryMode, Item, TrackedSubscriber};
use pubsub_api::settings::Settings;
use pubsub_api::wire::EventRef;
use pubsub_api::{Envelope, Error, ErrorKind, Event, Notice, Pattern, Registry, Result, Subscription, Topic};
use service_kit::json;
use service_kit::json::LineOptions;
use service_kit::{LogArguments, SettingsArguments, WriteQueue, block_on, printable_lines, report_now};
use settings::parse_duration;
use subscriber_agent::{listen_to_publishers, tracked_subscriber};
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::{Instant, timeout, timeout_at};

/// The arguments of `skimmer sub`.
#[derive(Debug, Clone, Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    settings: SettingsArguments,

    /// Topic to subscribe to; may be repeated. Without --topic and --pattern: all topics
    #[arg(long = "topic", value_name = "TOPIC")]
    topics: Vec<String>,

    /// Pattern to subscribe to, such as `port.#` or `tenant-*`; may be repeated
    #[arg(long = "pattern", value_name = "PATTERN")]
    patterns: Vec<Pattern>,

    /// Exit after this number of events
    #[arg(long, value_name = "N")]
    count: Option<u64>,

    /// Exit after this time, with status 69 if fewer than --count events arrived or no publisher was reached
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    timeout: Option<Duration>,

    /// Output format of events; notices are printed on stderr
    #[arg(long, value_enum, default_value_t = Format::Jsonl)]
    output: Format,

    /// Print notices (gap, recovering, live, resync, stale …) on stdout as JSON lines, in order with the events
    #[arg(long)]
    show_gaps: bool,

    /// Add the stamp to each event: publisher, epoch, sequence number and time
    #[arg(long)]
    stamps: bool,

    #[command(flatten)]
    log: LogArguments,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// One JSON line per event.
    Jsonl,
    /// Columns for people; long texts are cut.
    Table,
}

/// The default timeout, a year: practically never, but it does not overflow a clock.
pub(crate) const NEVER: Duration = Duration::from_secs(365 * 24 * 3600);

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    arguments.log.start();
    let registry = Registry::collect()?;
    let settings = arguments.settings.load_and_warn(&registry)?;
    let subscriptions = subscriptions(&arguments.topics, &arguments.patterns)?;
    block_on(subscribe(&registry, &settings, subscriptions, arguments))
}

/// The subscriptions to these topics and patterns; without any, to all topics.
pub(crate) fn subscriptions(topics: &[String], patterns: &[Pattern]) -> Result<Vec<Subscription>> {
    let mut all: Vec<Subscription> = patterns.iter().cloned().map(Subscription::from).collect();
    for topic in topics {
        all.push(Topic::new(topic.clone())?.into());
    }
    if all.is_empty() {
        all.push("#".parse::<Pattern>()?.into());
    }
    Ok(all)
}

/// A subscriber of these, at the publishers in the settings.
pub(crate) fn subscriber(
    registry: &Registry,
    settings: &Settings,
    subscriptions: Vec<Subscription>,
) -> Result<TrackedSubscriber> {
    let subscriber = tracked_subscriber(registry, settings)?;
    listen_to_publishers(&subscriber, registry, settings)?;
    for subscription in subscriptions {
        subscriber.register_topic(subscription)?;
    }
    Ok(subscriber)
}

async fn subscribe(
    registry: &Registry,
    settings: &Settings,
    subscriptions: Vec<Subscription>,
    arguments: &Arguments,
) -> Result<()> {
    let subscriber = subscriber(registry, settings, subscriptions)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(|error| {
        Error::new(ErrorKind::Internal, "cannot install a signal handler").with_source(error)
    })?;
    subscriber.initialize().await?;
    let output = WriteQueue::stdout();
    let ended = tokio::select! {
        ended = print(&subscriber, arguments, &output) => ended,
        _ = output.failed() => Ok(()),
        _ = tokio::signal::ctrl_c() => finish(&output).await,
        _ = terminate.recv() => finish(&output).await,
    };
    subscriber.close().await;
    ended
}

/// The longest wait for the reader of stdout after a signal.
const OUTPUT_TIMEOUT: Duration = Duration::from_secs(1);

async fn finish(output: &WriteQueue) -> Result<()> {
    if timeout(OUTPUT_TIMEOUT, output.written()).await.is_err() {
        tracing::warn!(
            id = "SK0111",
            "dropped {} bytes of output: the reader of stdout does not read",
            output.unwritten()
        );
    }
    Ok(())
}

/// Prints events until `--count` or `--timeout`, and waits until everything is written.
async fn print(subscriber: &TrackedSubscriber, arguments: &Arguments, output: &WriteQueue) -> Result<()> {
    let ended = print_items(subscriber, arguments, output).await;
    // It is not an error if the reader has gone.
    let _ = output.written().await;
    ended
}

async fn print_items(
    subscriber: &TrackedSubscriber,
    arguments: &Arguments,
    output: &WriteQueue,
) -> Result<()> {
    let deadline = Instant::now() + arguments.timeout.unwrap_or(NEVER);
    let mut left = arguments.count;
    let mut was_connected = false;
    if arguments.output == Format::Table && !write(output, columns::header()).await {
        return Ok(());
    }
    while left != Some(0) {
        let Ok(item) = timeout_at(deadline, subscriber.recv()).await else {
            return at_deadline(left, was_connected);
        };
        let item = item?;
        was_connected |= is_of_a_connection(&item);
        let is_read = match item {
            Item::Event { envelope, mode } => {
                show_all(&[envelope], mode, &mut left, arguments, output).await?
            }
            Item::Snapshot(snapshot) => {
                show_all(&snapshot.rows, DeliveryMode::Snapshot, &mut left, arguments, output).await?
            }
            Item::Notice(notice) => show_notice(&notice, arguments.show_gaps, output).await,
            Item::Clock(_) => continue,
        };
        if !is_read {
            return Ok(());
        }
    }
    Ok(())
}

/// Whether it shows that a publisher was reached.
fn is_of_a_connection(item: &Item) -> bool {
    use Notice::{AddressAdded, AddressRemoved, LinkDown, Stale};
    let shows_none = matches!(
        item,
        Item::Notice(Stale { .. } | LinkDown { .. } | AddressAdded { .. } | AddressRemoved { .. })
    );
    !shows_none
}

/// The result at `--timeout`, with `left` events of `--count` missing.
fn at_deadline(left: Option<u64>, was_connected: bool) -> Result<()> {
    let text = match left {
        _ if !was_connected => "timeout: no publisher was reached; check publishers_ips".to_owned(),
        Some(missing) => format!("timeout: {missing} events are missing (--count)"),
        None => return Ok(()),
    };
    Err(Error::new(ErrorKind::Unavailable, text))
}

/// Prints at most `left` events. Returns `false` if the reader has gone.
async fn show_all(
    envelopes: &[Envelope],
    mode: DeliveryMode,
    left: &mut Option<u64>,
    arguments: &Arguments,
    output: &WriteQueue,
) -> Result<bool> {
    for envelope in envelopes {
        if *left == Some(0) {
            break;
        }
        match EventRef::read(envelope.topic.as_bytes(), &envelope.payload) {
            Ok(event) => {
                let key_id = event.sealed.map(|sealed| sealed.key_id);
                let line = line(&event.to_event(), mode, key_id, arguments)?;
                if !write(output, line).await {
                    return Ok(false);
                }
                *left = left.map(|left| left - 1);
            }
            Err(refused) => {
                tracing::warn!(id = "SK0513", "dropped an invalid event on {}: {refused}", envelope.topic)
            }
        }
    }
    Ok(true)
}

/// Prints a notice on stdout, in order with the events, or on stderr. Returns `false` if the reader of stdout has gone.
async fn show_notice(notice: &Notice, on_stdout: bool, output: &WriteQueue) -> bool {
    let line = serde_json::to_string(notice).unwrap_or_default();
    if on_stdout {
        return write(output, line).await;
    }
    report_now(line);
    true
}

/// Returns `false` if the reader has gone.
async fn write(output: &WriteQueue, mut line: String) -> bool {
    if stdout().is_terminal() {
        line = printable_lines(&line);
    }
    line.push('\n');
    output.put(line.as_bytes()).await.is_ok()
}

/// `key_id` is that of an event that stays sealed.
fn line(event: &Event, mode: DeliveryMode, key_id: Option<&str>, arguments: &Arguments) -> Result<String> {
    let options = LineOptions { origin: mode.name(), stamp: arguments.stamps, sealed: key_id };
    match arguments.output {
        Format::Jsonl => json::to_line_with(event, options),
        Format::Table => Ok(columns::row(event, mode, key_id)),
    }
}
