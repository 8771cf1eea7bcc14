mod handler_output;
mod output_log;

use std::process::Stdio;
use std::time::Duration;

use async_trait::async_trait;
use pubsub_api::{Error, ErrorKind, Result};
use rustix::process::{Pid, Signal, kill_process_group};
use service_kit::spawn_child;
use tokio::io::AsyncWriteExt;
use tokio::process::{Child, Command};

use crate::dispatcher::within;
use crate::{Change, Handler};
use handler_output::HandlerOutput;

/// Runs a command for each event, with the event on its stdin as one line of JSON.
///
/// `sh -c COMMAND` runs once per event, one at a time. An exit status other than 0 is a failure, and so is a run longer than
/// the limit: then the command is killed, with all that it has started.
///
/// What it writes to stdout and stderr is logged at INFO, a line each: at most 100 lines a second and 4 KiB of a line; the
/// rest is counted, and the log states how much it was. The command never waits for the log.
///
/// It inherits the environment, without what is for the agent alone: the variables of
/// [`without_variables`](Self::without_variables), and those with which systemd is notified.
#[derive(Debug)]
pub struct ExecHandler {
    command: String,
    limit: Duration,
    stamps: bool,
    secrets: Vec<String>,
    output: Option<HandlerOutput>,
}

/// What systemd sets for the service itself (sd_notify(3), sd_watchdog_enabled(3)).
const OF_SYSTEMD: [&str; 3] = ["NOTIFY_SOCKET", "WATCHDOG_PID", "WATCHDOG_USEC"];

impl ExecHandler {
    /// A handler that runs `command` in a shell, each run at most `limit` long.
    #[must_use]
    pub fn new(command: &str, limit: Duration) -> Self {
        Self { command: command.to_owned(), limit, stamps: false, secrets: Vec::new(), output: None }
    }

    /// Takes these variables out of the command's environment: those that hold passwords.
    #[must_use]
    pub fn without_variables(self, secrets: Vec<String>) -> Self {
        Self { secrets, ..self }
    }

    /// Whether the lines have the events' stamps.
    #[must_use]
    pub fn with_stamps(self, stamps: bool) -> Self {
        Self { stamps, ..self }
    }

    /// The command line, with its output led into the log.
    fn prepare(&mut self) -> std::io::Result<Command> {
        let output = match self.output.take() {
            Some(output) => output,
            None => HandlerOutput::start(&self.command)?,
        };
        let mut command = Command::new("sh");
        command.args(["-c", &self.command]).stdin(Stdio::piped()).process_group(0).kill_on_drop(true);
        command.stdout(output.stdio()?).stderr(output.stdio()?);
        for variable in self.secrets.iter().map(String::as_str).chain(OF_SYSTEMD) {
            command.env_remove(variable);
        }
        self.output = Some(output);
        Ok(command)
    }

    async fn run(&mut self, line: String) -> Result<()> {
        let prepared = self.prepare();
        let failed = |what: &str, error: std::io::Error| {
            Error::new(ErrorKind::Internal, format!("cannot {what} {:?}", self.command)).with_source(error)
        };
        let (mut child, _own) = prepared
            .and_then(|mut command| spawn_child(&mut command))
            .map_err(|error| failed("run", error))?;
        let mut group = Group::of(&child);
        if let Some(mut stdin) = child.stdin.take() {
            // A command need not read its stdin; its exit status decides.
            let written = stdin.write_all(line.as_bytes()).await;
            tracing::trace!(?written, "gave an event to a command");
        }
        let status = child.wait().await.map_err(|error| failed("wait for", error))?;
        group.leave();
        if status.success() {
            return Ok(());
        }
        Err(Error::new(ErrorKind::Internal, format!("{:?} ended with {status}", self.command)))
    }
}

/// The process group of a command; dropping it before the command has ended kills them all.
struct Group(Option<Pid>);

impl Group {
    fn of(leader: &Child) -> Self {
        Self(leader.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw))
    }

    /// What the command leaves running in the background when it ends by itself is its own affair.
    fn leave(&mut self) {
        self.0 = None;
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(group) = self.0 {
            // A group that has ended meanwhile is no failure.
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}

#[async_trait]
impl Handler for ExecHandler {
    async fn handle(&mut self, change: &Change) -> Result<()> {
        let line = change.to_line(self.stamps)? + "\n";
        let limit = self.limit;
        let run = within(limit, self.run(line)).await;
        run.map_err(|error| error.context(format!("{:?} (agent.handler_timeout)", self.command)))?
    }
}
