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
/// `sh -c COMMAND` runs once per event, one at a time. The handler fails if the exit status is not 0, or if the run takes
/// longer than the limit; then the command is killed together with its process group.
///
/// The lines of its stdout and stderr are logged at INFO: at most 100 lines a second and 4 KiB of each line. The rest is
/// counted, and the count is logged. The command never waits for the log.
///
/// It inherits the environment, except the variables of [`without_variables`](Self::without_variables) and those for
/// notifying systemd.
///
/// ```
/// use std::time::Duration;
/// use subscriber_agent::ExecHandler;
///
/// let handler = ExecHandler::new("jq -r .key", Duration::from_secs(30))
///     .with_stamps(true)
///     .without_variables(vec!["REDIS_PASSWORD".to_owned()]);
/// ```
#[derive(Debug)]
pub struct ExecHandler {
    command: String,
    limit: Duration,
    stamps: bool,
    secrets: Vec<String>,
    output: Option<HandlerOutput>,
}

/// The variables that systemd sets for the agent itself (sd_notify(3), sd_watchdog_enabled(3)).
const OF_SYSTEMD: [&str; 3] = ["NOTIFY_SOCKET", "WATCHDOG_PID", "WATCHDOG_USEC"];

impl ExecHandler {
    /// A handler that runs `command` in a shell; each run may take at most `limit`.
    #[must_use]
    pub fn new(command: &str, limit: Duration) -> Self {
        Self { command: command.to_owned(), limit, stamps: false, secrets: Vec::new(), output: None }
    }

    /// Removes these variables, which hold passwords, from the command's environment.
    #[must_use]
    pub fn without_variables(self, secrets: Vec<String>) -> Self {
        Self { secrets, ..self }
    }

    /// Sets whether the lines contain the events' stamps.
    #[must_use]
    pub fn with_stamps(self, stamps: bool) -> Self {
        Self { stamps, ..self }
    }

    /// The command, with its output connected to the log.
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
            // A command that does not read its stdin is not an error; only its exit status counts.
            let written = stdin.write_all(line.as_bytes()).await;
            tracing::trace!(?written, "wrote an event to the stdin of a command");
        }
        let status = child.wait().await.map_err(|error| failed("wait for", error))?;
        group.leave();
        if status.success() {
            return Ok(());
        }
        Err(Error::new(ErrorKind::Internal, format!("{:?} ended with {status}", self.command)))
    }
}

/// The process group of a command. If it is dropped before the command has exited, the whole group is killed.
struct Group(Option<Pid>);

impl Group {
    fn of(leader: &Child) -> Self {
        Self(leader.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw))
    }

    /// Keeps background processes alive that a command has started before it exited by itself.
    fn leave(&mut self) {
        self.0 = None;
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(group) = self.0 {
            // The group may have exited already.
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
