use std::process::Stdio;
use std::time::Duration;

use async_trait::async_trait;
use pubsub_api::{Error, ErrorKind, Result};
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::AsyncWriteExt;
use tokio::process::{Child, Command};

use crate::dispatcher::within;
use crate::{Change, Handler};

/// Runs a command for each event, with the event on its stdin as one line of JSON.
///
/// `sh -c COMMAND` runs once per event, one at a time; its stdout goes to stderr, since stdout carries the agent's
/// own lines. An exit status other than 0 is a failure, and so is a run longer than the limit: then the command is
/// killed, with all that it has started.
#[derive(Debug)]
pub struct ExecHandler {
    command: String,
    limit: Duration,
    stamps: bool,
}

impl ExecHandler {
    /// A handler that runs `command` in a shell, each run at most `limit` long.
    #[must_use]
    pub fn new(command: &str, limit: Duration) -> Self {
        Self { command: command.to_owned(), limit, stamps: false }
    }

    /// Whether the lines have the events' stamps.
    #[must_use]
    pub fn with_stamps(self, stamps: bool) -> Self {
        Self { stamps, ..self }
    }

    async fn run(&self, line: String) -> Result<()> {
        let failed = |what: &str, error: std::io::Error| {
            Error::new(ErrorKind::Internal, format!("cannot {what} {:?}", self.command)).with_source(error)
        };
        let mut child = Command::new("sh")
            .args(["-c", &self.command])
            .stdin(Stdio::piped())
            .stdout(std::io::stderr())
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
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
        let run = within(self.limit, self.run(line)).await;
        run.map_err(|error| error.context(format!("{:?} (agent.handler_timeout)", self.command)))?
    }
}
