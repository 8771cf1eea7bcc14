use std::io::{BufRead, BufReader, stdin};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use publisher_client::PublisherClient;
use pubsub_api::{Action, Error, ErrorKind, Event, Registry, Result, Route, Topic, Value};
use service_kit::json;
use service_kit::{LogArguments, SettingsArguments, block_on, report};
use settings::parse_duration;

use progress::Progress;

use crate::lines::{Line, Lines};

mod progress;

/// The arguments of `skimmer pub`.
#[derive(Debug, Clone, Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    settings: SettingsArguments,

    /// Read events from a file or from stdin (`-`): one JSON object per line with table, key, action, value, topic
    #[arg(long, value_name = "FILE", required_unless_present = "table", conflicts_with_all = ["table", "key", "action", "value", "topic"])]
    jsonl: Option<PathBuf>,

    /// Table of the event
    #[arg(long, allow_hyphen_values = true, requires_all = ["key", "action"])]
    table: Option<String>,

    /// Key of the event
    #[arg(long, allow_hyphen_values = true)]
    key: Option<String>,

    /// Action of the event: create, set, delete, sync or any other name
    #[arg(long)]
    action: Option<String>,

    /// Value of the event, as text; nil if absent
    #[arg(long, allow_hyphen_values = true)]
    value: Option<String>,

    /// Topic of the event
    #[arg(long, allow_hyphen_values = true, default_value = "D")]
    topic: String,

    /// Longest wait for room in a full queue, and for the last event to be sent
    #[arg(long, value_name = "DURATION", default_value = "30s", value_parser = parse_duration)]
    timeout: Duration,

    /// Wait before the first event, so that subscribers can connect; for publishing without a service
    #[arg(long, value_name = "DURATION", default_value = "0s", value_parser = parse_duration)]
    settle: Duration,

    /// Print the number of confirmed events on stdout whenever it changes, as JSON lines: `{"confirmed":17}`
    #[arg(long)]
    progress: bool,

    #[command(flatten)]
    log: LogArguments,
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    arguments.log.start_for_command();
    let registry = Registry::collect()?;
    let mut sources = arguments.settings.clone();
    sources.sets.push(format!("send_timeout={}ms", arguments.timeout.as_millis()));
    let settings = sources.load_and_warn(&registry)?;
    let route = registry.route(&settings)?;
    let client = Arc::new(PublisherClient::open(&settings)?);
    let mut sender = Sender { client, route, published: 0, refused: 0 };
    let ended = block_on(publish(&mut sender, arguments));
    sender.summarize(&ended);
    ended
}

impl Sender {
    /// Reports the number of events, and whether they were confirmed.
    fn summarize(&self, ended: &Result<()>) {
        let unconfirmed = self.client.status().counter("events_unconfirmed", None);
        if self.published > 0 && (unconfirmed > 0 || !self.route.driver().capabilities.confirms_publish) {
            report("the events were sent but not confirmed; it is not known whether they were delivered");
        }
        match ended {
            // A broker has confirmed what `send` accepted; a service confirms later.
            Err(error) if error.kind() != ErrorKind::Invalid && !self.route.is_broker() => {
                let confirmed = progress::confirmed(&self.client, self.route);
                report(format_args!("of {} events, {confirmed} are confirmed", self.published));
            }
            _ => report(format_args!("published {} events", self.published)),
        }
    }
}

async fn publish(sender: &mut Sender, arguments: &Arguments) -> Result<()> {
    sender.client.initialize().await?;
    tokio::time::sleep(arguments.settle).await;
    let progress = arguments.progress.then(|| Progress::start(Arc::clone(&sender.client), sender.route));
    let sent = match &arguments.jsonl {
        Some(file) => sender.send_lines(file).await,
        None => sender.send(&one_event(arguments)?).await,
    };
    let flushed = sender.client.flush().await;
    let closed = sender.client.close().await;
    if let Some(progress) = progress {
        progress.end().await;
    }
    sent.and(flushed).and(closed)?;
    if sender.refused == 0 {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::Invalid,
        format!("{} lines are not valid events; the other events were published", sender.refused),
    ))
}

fn one_event(arguments: &Arguments) -> Result<Event> {
    Ok(Event {
        table: arguments.table.clone(),
        key: arguments.key.clone(),
        action: Action::from(arguments.action.as_deref().unwrap_or_default()),
        value: Value::from(arguments.value.clone()),
        topic: Topic::new(arguments.topic.clone())?,
        stamp: None,
        version: None,
    })
}

/// Publishes events and counts them.
struct Sender {
    client: Arc<PublisherClient>,
    route: Route,
    published: u64,
    refused: u64,
}

impl Sender {
    async fn send(&mut self, event: &Event) -> Result<()> {
        self.client.send(event).await?;
        self.published += 1;
        Ok(())
    }

    async fn send_lines(&mut self, file: &PathBuf) -> Result<()> {
        let reader: Box<dyn BufRead> = if file.as_os_str() == "-" {
            Box::new(BufReader::new(stdin()))
        } else {
            let opened = std::fs::File::open(file).map_err(|error| {
                Error::new(ErrorKind::Unavailable, format!("cannot read {}", file.display()))
                    .with_source(error)
            })?;
            Box::new(BufReader::new(opened))
        };
        for line in Lines::new(reader) {
            let Line { number, text } = line?;
            if text.trim().is_empty() {
                continue;
            }
            let sent = match json::from_line(&text) {
                Ok(event) => self.send(&event).await,
                Err(error) => Err(error),
            };
            match sent {
                Err(error) if error.kind() == ErrorKind::Invalid => {
                    self.refused += 1;
                    report(format_args!("line {number}: {error}"));
                }
                other => other?,
            }
        }
        Ok(())
    }
}
