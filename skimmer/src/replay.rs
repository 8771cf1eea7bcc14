use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::{Args, ValueEnum};
use publisher_client::PublisherClient;
use pubsub_api::{Error, ErrorKind, Registry, Result};
use recording::Recording;
use service_kit::{LogArguments, SettingsArguments, block_on, report};
use settings::parse_duration;
use tokio::signal::unix::{SignalKind, signal};

use lines::Lines;
use pace::Pace;
use publishing::Publishing;
use selection::Selection;
use speed::Speed;
use tally::Tally;

mod lines;
mod pace;
mod publishing;
mod selection;
mod speed;
mod tally;

/// The arguments of `skimmer replay`.
#[derive(Debug, Clone, Args)]
pub(crate) struct Arguments {
    /// Recording to read
    file: PathBuf,

    #[command(flatten)]
    settings: SettingsArguments,

    /// Factor by which the times between events are divided, such as 1, 10 or 0.5; max: without pauses
    #[arg(long, value_name = "FACTOR", default_value = "1")]
    speed: Speed,

    #[command(flatten)]
    selection: Selection,

    /// What to do with the events
    #[arg(long, value_enum, default_value_t = Output::Publish)]
    output: Output,

    /// With --output jsonl: print notices, too, in order with the events
    #[arg(long)]
    show_gaps: bool,

    /// With --output jsonl: add the stamp to each event: publisher, epoch, sequence number and time
    #[arg(long)]
    stamps: bool,

    /// Longest wait for room in a full queue, and for the last event to be sent
    #[arg(long, value_name = "DURATION", default_value = "30s", value_parser = parse_duration)]
    timeout: Duration,

    /// Wait before the first event, so that subscribers can connect; for publishing without a service
    #[arg(long, value_name = "DURATION", default_value = "0s", value_parser = parse_duration)]
    settle: Duration,

    #[command(flatten)]
    log: LogArguments,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Output {
    /// Publish them, as an API worker does: without their stamps, which the publisher sets.
    Publish,
    /// Print them as JSON lines, which `skimmer pub` reads.
    Jsonl,
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    arguments.log.start_for_command();
    let recording = Recording::open(&arguments.file)?;
    let mut tally = Tally::default();
    let ended = match arguments.output {
        Output::Jsonl => {
            block_on(replay(arguments, recording, &mut tally, &mut Sink::Lines(Lines::new(arguments))))
        }
        Output::Publish => publish(arguments, recording, &mut tally),
    };
    report(tally.summary(&arguments.file));
    ended?;
    tally.verdict()
}

fn publish(arguments: &Arguments, recording: Entries, tally: &mut Tally) -> Result<()> {
    let mut sources = arguments.settings.clone();
    sources.sets.push(format!("send_timeout={}ms", arguments.timeout.as_millis()));
    let registry = Registry::collect()?;
    let settings = sources.load_and_warn(&registry)?;
    let route = registry.route(&settings)?;
    let client = Arc::new(PublisherClient::open(&settings)?);
    let mut sink = Sink::Publisher(Publishing::new(Arc::clone(&client), route));
    block_on(async {
        client.initialize().await?;
        // What connects to a publisher that binds needs time to do so.
        tokio::time::sleep(arguments.settle).await;
        replay(arguments, recording, tally, &mut sink).await
    })
}

type Entries = Recording<std::io::BufReader<std::fs::File>>;

/// Where the entries go.
enum Sink<'a> {
    Publisher(Publishing),
    Lines(Lines<'a>),
}

/// Plays the recording to its end, or until a signal; what was accepted is sent in any case.
async fn replay(
    arguments: &Arguments,
    recording: Entries,
    tally: &mut Tally,
    sink: &mut Sink<'_>,
) -> Result<()> {
    let mut terminate = signal(SignalKind::terminate()).map_err(|error| {
        Error::new(ErrorKind::Internal, "cannot install a signal handler").with_source(error)
    })?;
    let played = tokio::select! {
        played = play(arguments, recording, tally, sink) => played,
        _ = tokio::signal::ctrl_c() => Err(interrupted()),
        _ = terminate.recv() => Err(interrupted()),
    };
    let ended = match sink {
        Sink::Publisher(publishing) => publishing.end(tally).await,
        Sink::Lines(lines) => lines.end().await,
    };
    played.and(ended)
}

fn interrupted() -> Error {
    Error::new(ErrorKind::Unavailable, "ended by a signal, before the end of the recording")
}

async fn play(
    arguments: &Arguments,
    mut recording: Entries,
    tally: &mut Tally,
    sink: &mut Sink<'_>,
) -> Result<()> {
    let mut pace = Pace::new(arguments.speed);
    let mut window = arguments.selection.window();
    for entry in &mut recording {
        let recorded = entry.map_err(|error| error.context(arguments.file.display()))?;
        if !window.has(recorded.at_ns) || !arguments.selection.has(&recorded.entry) {
            tally.left_out += 1;
            continue;
        }
        pace.wait(recorded.at_ns).await;
        match sink {
            Sink::Publisher(publishing) => publishing.take(recorded.entry, tally).await?,
            Sink::Lines(lines) => lines.take(recorded.entry, tally).await?,
        }
    }
    if !recording.is_complete() {
        report(torn(recording.torn_at()));
    }
    Ok(())
}

fn torn(at: Option<u64>) -> String {
    let place =
        at.map_or_else(|| "after its last chunk".to_owned(), |at| format!("within the record at byte {at}"));
    format!("the recording ends {place}, without an index: its recorder was killed, or still writes")
}
