use std::sync::Arc;
use std::time::Duration;

use clap::{Args, ValueEnum};
use operations::{Occupancy, OperationsServer, RunningProgram};
use pubsub_api::settings::{FromValue, Settings};
use pubsub_api::{Error, ErrorKind, Pattern, Result, Subscription, Topic};
use service_kit::{Endpoints, LogArguments, ProgramHost, Readiness, SettingsArguments, Signal};
use subscriber_agent_settings::AgentSettings;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};

use crate::check::{PROGRAM, operations};
use crate::{Agent, AgentBuilder, EventFilter, ExecHandler, Output, check};

/// The arguments of `subscriber-agent`.
#[derive(Debug, Clone, Args)]
pub struct AgentArguments {
    /// The sources of the settings.
    #[command(flatten)]
    pub settings: SettingsArguments,

    /// Topic to subscribe to, in addition to D and agent.topics; may be repeated
    #[arg(long = "topic", value_name = "TOPIC")]
    pub topics: Vec<String>,

    /// Pattern to subscribe to, such as `port.#` or `tenant-*`, in addition to agent.patterns; may be repeated
    #[arg(long = "pattern", value_name = "PATTERN")]
    pub patterns: Vec<Pattern>,

    /// Output on stdout: events and notices, or notices only
    #[arg(long, value_enum, default_value_t = OutputFormat::Jsonl)]
    pub output: OutputFormat,

    /// Adds the stamp to each event: publisher, epoch, sequence number and time
    #[arg(long)]
    pub stamps: bool,

    /// Command to run for each event, with the event as JSON on its stdin; one at a time, in order
    #[arg(long, value_name = "COMMAND")]
    pub exec: Vec<String>,

    /// Command to run for the events of one table; may be repeated
    #[arg(long, value_name = "TABLE=COMMAND")]
    pub exec_table: Vec<String>,

    /// Command to run for the events of one topic; subscribes to the topic; may be repeated
    #[arg(long, value_name = "TOPIC=COMMAND")]
    pub exec_topic: Vec<String>,

    /// Format and level of the log.
    #[command(flatten)]
    pub log: LogArguments,
}

/// The output of the agent on stdout.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum OutputFormat {
    /// Events and notices, one JSON line each.
    Jsonl,
    /// Notices only.
    None,
}

/// The program: starts the log, reads the settings, subscribes, announces itself, runs until a signal, drains, and returns
/// how it ended.
///
/// # Errors
/// Any error of the start, and [`ErrorKind::Unavailable`] if the handlers did not finish within `agent.drain_timeout`.
pub fn run(arguments: &AgentArguments) -> Result<()> {
    arguments.log.start();
    service_kit::block_on(serve(arguments))
}

async fn serve(arguments: &AgentArguments) -> Result<()> {
    let mut host = ProgramHost::new(PROGRAM, &arguments.settings)?;
    for warning in check(host.registry(), host.settings(), Occupancy::Free)? {
        tracing::warn!(id = "SK0101", "{warning}");
    }
    let operations = operations(host.settings())?.as_ref().map(OperationsServer::start).transpose()?;
    let agent = build(&host, arguments)?.build();
    let parts = Arc::clone(&agent);
    let of_operations = operations.as_ref().map(|operations| operations.endpoint().to_owned());
    let endpoints = Endpoints::from([("network".to_owned(), None), ("operations".to_owned(), of_operations)]);
    let status = Arc::new(host.serve_status(endpoints, Arc::new(move || parts.status()))?);
    agent.start().await?;
    if let Some(operations) = &operations {
        let checked = Arc::clone(&agent);
        let checks = Arc::new(move || checked.checks());
        let (read, own_status) = (Arc::clone(&agent), host.own_status_reader());
        let parts = Arc::new(move || {
            let mut parts = read.status();
            parts.insert("program".to_owned(), own_status());
            parts
        });
        let status = Arc::clone(&status);
        let listed = Arc::clone(&agent);
        let peers = Arc::new(move || listed.publisher_list());
        let notices = Arc::clone(&agent.notices);
        operations.publish(RunningProgram { program: PROGRAM, status, parts, checks, peers, notices });
    }
    Readiness.ready("subscribed");

    let mut work = spawn(&agent);
    let ended = loop {
        tokio::select! {
            ended = &mut work => break Some(outcome(ended)),
            signal = host.next() => match signal {
                Signal::Stop | Signal::Drain => break None,
                Signal::Status => agent.write_line(status().to_notice_line()),
                Signal::Reload => host.reload(|settings| agent.apply(settings)),
            },
        }
    };

    Readiness.stopping();
    let grace = AgentSettings::read(host.settings())?.drain_timeout;
    let running = ended.is_none().then_some(work);
    let drained = end(&agent, running, grace, move || status().to_notice_line()).await;
    tracing::info!(id = "SK0104", "stopped");
    tolerate_absent_reader(ended.unwrap_or(Ok(())).and(drained))
}

/// Drains and writes the last line within `grace`, even if a handler or the reader of stdout is stuck.
async fn end(
    agent: &Arc<Agent>,
    running: Option<JoinHandle<Result<()>>>,
    grace: Duration,
    last_line: impl FnOnce() -> String + Send + 'static,
) -> Result<()> {
    agent.stop();
    let deadline = Instant::now() + grace;
    let ending = tokio::spawn({
        let agent = Arc::clone(agent);
        async move {
            let stopped = match running {
                Some(work) => outcome(work.await),
                None => Ok(()),
            };
            let drained = agent.drain(deadline.saturating_duration_since(Instant::now())).await;
            agent.write_line(last_line());
            stopped.and(drained).and(agent.flush().await)
        }
    });
    match timeout_at(deadline + LAST_LINE_TIMEOUT, ending).await {
        Ok(ended) => outcome(ended),
        Err(_) => {
            let text = match agent.unwritten_output() {
                0 => format!(
                    "a handler did not finish within {grace:?} (agent.drain_timeout); the received events that it has not \
                     handled are dropped"
                ),
                bytes => format!(
                    "stdout was not read within {grace:?} (agent.drain_timeout); {bytes} bytes of output and the events \
                     received after them are dropped"
                ),
            };
            Err(Error::new(ErrorKind::Unavailable, text))
        }
    }
}

/// The time for the last line, after the grace.
const LAST_LINE_TIMEOUT: Duration = Duration::from_millis(500);

/// The file of the saved table, in `state_dir`.
const TABLE_FILE: &str = "agent-table";

fn build(host: &ProgramHost, arguments: &AgentArguments) -> Result<AgentBuilder> {
    let events = arguments.output == OutputFormat::Jsonl;
    let output = Output::stdout(events).with_stamps(arguments.stamps);
    let settings = AgentSettings::read(host.settings())?;
    let secrets = secret_variables(host.settings());
    let exec = |command: &str| {
        let handler = ExecHandler::new(command, settings.handler_timeout).with_stamps(arguments.stamps);
        Box::new(handler.without_variables(secrets.clone()))
    };
    let mut builder = AgentBuilder::new(host.registry(), host.settings())?;
    if settings.keep_table {
        let path = host.settings().pubsub().state_dir.join(TABLE_FILE);
        builder = builder.keep_table(&path, settings.save_interval);
    }
    let mut subscriptions = Vec::new();
    for topic in &arguments.topics {
        subscriptions.push(Topic::new(topic.clone())?.into());
    }
    for command in &arguments.exec {
        builder = builder.handler(EventFilter::All, exec(command));
    }
    for pair in &arguments.exec_table {
        let (table, command) = split("--exec-table", pair)?;
        builder = builder.handler(EventFilter::Table(table.to_owned()), exec(command));
    }
    for pair in &arguments.exec_topic {
        let (topic, command) = split("--exec-topic", pair)?;
        let topic = Topic::new(topic.to_owned())?;
        subscriptions.push(topic.clone().into());
        builder = builder.handler(EventFilter::Topic(topic), exec(command));
    }
    subscriptions.extend(arguments.patterns.iter().cloned().map(Subscription::from));
    Ok(builder.subscribe(subscriptions).output(output))
}

/// The environment variables that hold passwords, from the settings `…password_env` of all drivers.
fn secret_variables(settings: &Settings) -> Vec<String> {
    let names_one = |name: &str| name.ends_with("password_env");
    let named = settings.slots().iter().filter(|slot| names_one(slot.setting.name));
    named.filter_map(|slot| Option::<String>::from_value(&slot.value).flatten()).collect()
}

fn split<'a>(argument: &str, pair: &'a str) -> Result<(&'a str, &'a str)> {
    pair.split_once('=').ok_or_else(|| {
        Error::new(ErrorKind::Unsupported, format!("{argument} needs NAME=COMMAND, but got {pair:?}"))
    })
}

fn spawn(agent: &Arc<Agent>) -> JoinHandle<Result<()>> {
    let agent = Arc::clone(agent);
    tokio::spawn(async move { agent.run().await })
}

fn outcome(ended: Result<Result<()>, tokio::task::JoinError>) -> Result<()> {
    ended.unwrap_or_else(|error| {
        Err(Error::new(ErrorKind::Internal, "the agent's main task panicked").with_source(error))
    })
}

/// It is not an error if the reader has gone, as in `subscriber-agent | head`.
fn tolerate_absent_reader(ended: Result<()>) -> Result<()> {
    match ended {
        Err(error) if error.kind() == ErrorKind::Closed => Ok(()),
        other => other,
    }
}
