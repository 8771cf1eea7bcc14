use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use pubsub_api::{Error, ErrorKind, Result};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;

/// Another publisher service with the same wire protocol: a command that binds the IPC endpoint in its last argument and
/// prints `{"ready":true,"network":"tcp://…"}`. It is killed when this value is dropped.
#[derive(Debug)]
pub(super) struct Peer {
    child: Child,
    /// Kept open, because a peer that writes more lines would otherwise fail.
    _stdout: tokio::io::Lines<BufReader<tokio::process::ChildStdout>>,
}

/// The timeout for its start and for its end.
const TIMEOUT: Duration = Duration::from_secs(20);

impl Peer {
    /// Starts `command`, split at white space, waits until it is ready, and returns it with its network address.
    pub(super) async fn start(command: &str, socket: &Path) -> Result<(Self, String)> {
        let failed = |what: &str| Error::new(ErrorKind::Unavailable, format!("peer `{command}`: {what}"));
        let mut words = command.split_whitespace();
        let program = words.next().ok_or_else(|| failed("the command is empty"))?;
        let mut child = Command::new(program)
            .args(words)
            .arg(format!("ipc://{}", socket.display()))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| failed("cannot start it").with_source(error))?;
        let stdout = child.stdout.take().ok_or_else(|| failed("it has no stdout"))?;
        let mut lines = BufReader::new(stdout).lines();
        let line = timeout(TIMEOUT, lines.next_line()).await;
        let line =
            line.ok().and_then(Result::ok).flatten().ok_or_else(|| failed("it did not become ready"))?;
        let ready: Value = serde_json::from_str(&line).unwrap_or_default();
        let network = ready.get("network").and_then(Value::as_str);
        let network = network.ok_or_else(|| failed("its first line has no field `network`"))?.to_owned();
        Ok((Self { child, _stdout: lines }, network))
    }

    pub(super) fn pid(&self) -> Option<u32> {
        self.child.id()
    }

    /// Stops it with SIGTERM, or with SIGKILL after the timeout.
    pub(super) async fn end(mut self) -> Result<()> {
        let pid =
            self.child.id().and_then(|id| i32::try_from(id).ok()).and_then(rustix::process::Pid::from_raw);
        if let Some(pid) = pid {
            // It may have exited already.
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        }
        if timeout(TIMEOUT, self.child.wait()).await.is_err() {
            let killed = self.child.kill().await;
            return killed
                .map_err(|error| Error::new(ErrorKind::Internal, "cannot stop the peer").with_source(error));
        }
        Ok(())
    }
}
