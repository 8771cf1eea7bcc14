use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use clap::Args;
use delivery::subscriber::{DeliveryMode, Item, TrackedSubscriber};
use pubsub_api::settings::Settings;
use pubsub_api::{Envelope, Error, ErrorKind, Notice, Pattern, Registry, Result};
use recording::{Recorder, redacted};
use service_kit::{LogArguments, SettingsArguments, block_on, report, report_now};
use settings::parse_duration;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};

use crate::subscribe::{NEVER, subscriber, subscriptions};

/// The arguments of `skimmer record`.
#[derive(Debug, Clone, Args)]
pub(crate) struct Arguments {
    /// File to write, in the format MCAP; it must not exist. It has mode 0600: values are the data of customers
    file: PathBuf,

    #[command(flatten)]
    settings: SettingsArguments,

    /// Topic to record; may be repeated. Without --topic and --pattern: all topics
    #[arg(long = "topic", value_name = "TOPIC")]
    topics: Vec<String>,

    /// Pattern to record, such as `port.#` or `tenant-*`; may be repeated
    #[arg(long = "pattern", value_name = "PATTERN")]
    patterns: Vec<Pattern>,

    /// End after this number of events
    #[arg(long, value_name = "N")]
    count: Option<u64>,

    /// End after this time
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    duration: Option<Duration>,

    /// End when the file has this size, in MiB
    #[arg(long, value_name = "MIB", default_value_t = 1024)]
    max_mib: u64,

    /// Replace each byte of a text value by `x`, and any other value by nil; tables, keys and topics stay
    #[arg(long)]
    redact: bool,

    #[command(flatten)]
    log: LogArguments,
}

/// The longest time that an entry waits in memory, and that a killed recorder loses.
const FLUSH_INTERVAL: Duration = Duration::from_secs(1);

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    arguments.log.start();
    let registry = Registry::collect()?;
    let settings = arguments.settings.load_and_warn(&registry)?;
    let recorder = Recorder::create(&arguments.file)?;
    let mut session = Session { arguments, recorder, events: 0, notices: 0, missing: 0 };
    let ended = block_on(record(&mut session, &registry, &settings));
    // What was received is written in any case; the first error counts.
    let flushed = session.flush();
    session.finish(ended.and_then(|end| flushed.map(|()| end)))
}

/// Records until the first of the ends that the arguments name, or a signal; returns what it was.
async fn record(session: &mut Session<'_>, registry: &Registry, settings: &Settings) -> Result<&'static str> {
    let arguments = session.arguments;
    let subscriber = subscriber(registry, settings, subscriptions(&arguments.topics, &arguments.patterns)?)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(|error| {
        Error::new(ErrorKind::Internal, "cannot install a signal handler").with_source(error)
    })?;
    subscriber.initialize().await?;
    let ended = tokio::select! {
        ended = session.receive(&subscriber) => ended,
        _ = tokio::signal::ctrl_c() => Ok("a signal"),
        _ = terminate.recv() => Ok("a signal"),
    };
    subscriber.close().await;
    ended
}

/// A recording in progress. The file is written by the thread of the command, which the driver's tasks do not need.
struct Session<'a> {
    arguments: &'a Arguments,
    recorder: Recorder,
    events: u64,
    notices: u64,
    /// Events that the subscriber knows to be missing.
    missing: u64,
}

impl Session<'_> {
    async fn receive(&mut self, subscriber: &TrackedSubscriber) -> Result<&'static str> {
        let deadline = Instant::now() + self.arguments.duration.unwrap_or(NEVER);
        let mut flushes = interval(FLUSH_INTERVAL);
        flushes.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            if let Some(end) = self.end() {
                return Ok(end);
            }
            tokio::select! {
                item = subscriber.recv() => self.take(item?)?,
                _ = flushes.tick() => self.flush()?,
                // The end that --duration names.
                () = sleep_until(deadline) => return Ok("--duration"),
            }
        }
    }

    /// The end that was reached, if one was.
    fn end(&self) -> Option<&'static str> {
        let max_bytes = self.arguments.max_mib.saturating_mul(1024 * 1024);
        if self.arguments.count.is_some_and(|count| self.events >= count) {
            Some("--count")
        } else if self.recorder.bytes() >= max_bytes {
            Some("--max-mib")
        } else {
            self.recorder.is_full().then_some("the bound of the index")
        }
    }

    fn take(&mut self, item: Item) -> Result<()> {
        match item {
            Item::Event { envelope, mode } => self.event(mode, envelope),
            Item::Snapshot(snapshot) => {
                snapshot.rows.into_iter().try_for_each(|row| self.event(DeliveryMode::Snapshot, row))
            }
            Item::Notice(notice) => self.notice(&notice),
            Item::Clock(_) => Ok(()),
        }
    }

    fn event(&mut self, mode: DeliveryMode, envelope: Envelope) -> Result<()> {
        let envelope = if self.arguments.redact { redacted(&envelope) } else { envelope };
        self.recorder.record_event(now_ns(), mode, &envelope)?;
        self.events += 1;
        Ok(())
    }

    fn notice(&mut self, notice: &Notice) -> Result<()> {
        report_now(serde_json::to_string(notice).unwrap_or_default());
        if let Notice::Gap { events, .. } = notice {
            self.missing = self.missing.saturating_add(*events);
        }
        self.recorder.record_notice(now_ns(), notice)?;
        self.notices += 1;
        Ok(())
    }

    fn flush(&mut self) -> Result<()> {
        self.recorder.flush()
    }

    /// Writes the index, and reports what was recorded.
    fn finish(self, ended: Result<&'static str>) -> Result<()> {
        let Self { arguments, recorder, events, notices, missing } = self;
        let bytes = recorder.bytes();
        let finished = if ended.is_ok() { recorder.finish() } else { Ok(()) };
        let end = ended.and_then(|end| finished.map(|()| end))?;
        let file = arguments.file.display();
        report(format_args!(
            "recorded {events} events and {notices} notices in {file}, {bytes} bytes; ended by {end}"
        ));
        if missing > 0 {
            report(format_args!(
                "gaps: {missing} events were missing at their place; what was recovered follows them"
            ));
        }
        Ok(())
    }
}

/// The wall clock, in nanoseconds since 1970.
#[expect(
    clippy::disallowed_methods,
    reason = "a recording has the times of its entries, for people and other tools"
)]
fn now_ns() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}
