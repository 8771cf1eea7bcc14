use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use pubsub_api::{Error, ErrorKind, Result};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::time::timeout;

/// A child process that is measured or plays a part, such as a publisher service.
///
/// It is killed when this value is dropped; [`end`](ChildProcess::end) drains it. Its stderr is written to a file, whose last
/// lines are shown in errors.
#[derive(Debug)]
pub struct ChildProcess {
    name: String,
    child: Child,
    /// The lines of its stdout; `None` once taken.
    pub lines: Option<Lines<BufReader<ChildStdout>>>,
    /// Its stdin; `None` once taken.
    pub stdin: Option<ChildStdin>,
    log: PathBuf,
}

/// The timeout for the expected line of a process that starts.
const START_TIMEOUT: Duration = Duration::from_secs(20);

/// The timeout for draining and exiting.
const EXIT_TIMEOUT: Duration = Duration::from_secs(20);

impl ChildProcess {
    /// Starts this program with other arguments; its log is `FOLDER/NAME.log`.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub fn start_own(name: &str, folder: &Path, arguments: &[String]) -> Result<Self> {
        let program = std::env::current_exe().map_err(|error| {
            Error::new(ErrorKind::Internal, format!("cannot start {name}")).with_source(error)
        })?;
        Self::start(name, folder, &program, arguments)
    }

    /// Starts a program; its log is `FOLDER/NAME.log`.
    ///
    /// # Errors
    /// [`ErrorKind::Internal`] if it cannot be started, or its log cannot be written.
    pub fn start(name: &str, folder: &Path, program: &Path, arguments: &[String]) -> Result<Self> {
        let failed = |error: std::io::Error| {
            Error::new(ErrorKind::Internal, format!("cannot start {name}")).with_source(error)
        };
        let log = folder.join(format!("{name}.log"));
        let stderr = std::fs::File::create(&log).map_err(failed)?;
        let mut child = Command::new(program)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(stderr)
            .kill_on_drop(true)
            .spawn()
            .map_err(failed)?;
        let lines = child.stdout.take().map(|stdout| BufReader::new(stdout).lines());
        let stdin = child.stdin.take();
        Ok(Self { name: name.to_owned(), child, lines, stdin, log })
    }

    /// Waits at most 20 s for the next JSON line that `wanted` accepts.
    ///
    /// # Errors
    /// [`ErrorKind::Internal`] with the end of its log, if it does not write the line or exits.
    ///
    /// # Cancel safety
    /// If the future is dropped, lines that were read are lost.
    pub async fn expect_line(&mut self, wanted: impl Fn(&Value) -> bool) -> Result<Value> {
        let Some(lines) = self.lines.as_mut() else {
            return Err(self.failed("its stdout is already in use"));
        };
        let search = async {
            while let Ok(Some(line)) = lines.next_line().await {
                if let Ok(value) = serde_json::from_str::<Value>(&line)
                    && wanted(&value)
                {
                    return Some(value);
                }
            }
            None
        };
        match timeout(START_TIMEOUT, search).await {
            Ok(Some(value)) => Ok(value),
            Ok(None) => Err(self.failed("it exited before it wrote the expected line")),
            Err(_) => {
                Err(self.failed(&format!("it did not write the expected line within {START_TIMEOUT:?}")))
            }
        }
    }

    /// Sends SIGTERM, so that it drains, and waits at most 20 s until it has exited.
    ///
    /// # Errors
    /// [`ErrorKind::Internal`] with the end of its log, if it does not exit or fails.
    pub async fn end(mut self) -> Result<()> {
        self.stdin = None;
        self.terminate()?;
        self.ended().await
    }

    /// Closes its stdin and waits until it has exited, with success, at most 20 s.
    ///
    /// # Errors
    /// As [`end`](Self::end).
    pub async fn ended(&mut self) -> Result<()> {
        self.stdin = None;
        let status: ExitStatus = match timeout(EXIT_TIMEOUT, self.child.wait()).await {
            Ok(Ok(status)) => status,
            Ok(Err(error)) => return Err(self.failed(&error.to_string())),
            Err(_) => return Err(self.failed(&format!("it did not exit within {EXIT_TIMEOUT:?}"))),
        };
        if status.success() { Ok(()) } else { Err(self.failed(&format!("it exited with {status}"))) }
    }

    fn terminate(&self) -> Result<()> {
        self.signal(Signal::TERM)
    }

    /// Sends a signal, unless the process has exited.
    ///
    /// # Errors
    /// [`ErrorKind::Internal`] if the system refuses it.
    pub fn signal(&self, signal: Signal) -> Result<()> {
        let pid = self.child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        let Some(pid) = pid else { return Ok(()) };
        kill_process(pid, signal).map_err(|error| self.failed(&error.to_string()))
    }

    /// Kills it (SIGKILL) and waits until it has exited.
    ///
    /// # Errors
    /// [`ErrorKind::Internal`] if the system refuses it.
    pub async fn kill(mut self) -> Result<()> {
        self.child.kill().await.map_err(|error| self.failed(&error.to_string()))
    }

    /// The process id; `None` after it has exited.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.child.id()
    }

    /// An error about this process, with the end of its log.
    #[must_use]
    pub fn failed(&self, what: &str) -> Error {
        const LAST: usize = 10;
        let log = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        let tail = lines.get(lines.len().saturating_sub(LAST)..).unwrap_or_default().join("\n  ");
        Error::new(ErrorKind::Internal, format!("{}: {what}\n  {tail}", self.name))
    }
}
