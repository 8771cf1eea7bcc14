use std::io::{self, PipeWriter, Read, pipe};
use std::process::Stdio;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe::Receiver;
use tokio::task::JoinHandle;
use tokio::time::sleep_until;

use super::output_log::{LINES_PER_SECOND, Logged, OutputLog};

/// The pipe to which all runs of a command write, and the task that reads it and logs the lines.
///
/// The task reads all the time, so that a command never waits for the log, and drops lines beyond the limits. All runs share
/// one pipe, so that background processes of an earlier run can still write.
#[derive(Debug)]
pub(super) struct HandlerOutput {
    writer: PipeWriter,
    /// For the last read, in `drop`.
    reader: io::PipeReader,
    log: Arc<Log>,
    task: JoinHandle<()>,
}

#[derive(Debug)]
struct Log {
    command: String,
    state: Mutex<OutputLog>,
}

/// The size of one read, in bytes: the capacity of a pipe (pipe(7)).
const READ_BYTES: usize = 64 * 1024;

impl HandlerOutput {
    /// Opens the pipe and starts the task, on the current runtime.
    pub(super) fn start(command: &str) -> io::Result<Self> {
        let (reader, writer) = pipe()?;
        let receiver = Receiver::from_owned_fd(reader.try_clone()?.into())?;
        let log = Arc::new(Log { command: command.to_owned(), state: Mutex::default() });
        let task = tokio::spawn(read(receiver, Arc::clone(&log)));
        Ok(Self { writer, reader, log, task })
    }

    /// The writing end, for another process.
    pub(super) fn stdio(&self) -> io::Result<Stdio> {
        self.writer.try_clone().map(Stdio::from)
    }
}

impl Drop for HandlerOutput {
    /// Logs the rest. It does not block, because the reading end is nonblocking.
    fn drop(&mut self) {
        self.task.abort();
        let mut left = vec![0; READ_BYTES];
        let read = self.reader.read(&mut left).unwrap_or(0);
        let now = Instant::now();
        self.log.write(left.get(..read).unwrap_or_default(), now);
        let rest = self.log.state().finish(now);
        self.log.all(rest);
    }
}

async fn read(mut receiver: Receiver, log: Arc<Log>) {
    let mut bytes = vec![0; READ_BYTES];
    loop {
        let due = log.state().due();
        tokio::select! {
            read = receiver.read(&mut bytes) => match read {
                Ok(read) if read > 0 => log.write(bytes.get(..read).unwrap_or_default(), Instant::now()),
                // An error. The end of the file cannot come while `writer` is open.
                _ => return,
            },
            () = sleep_until(due.unwrap_or_else(Instant::now).into()), if due.is_some() => {
                let dropped = log.state().report(Instant::now());
                log.all(dropped);
            }
        }
    }
}

impl Log {
    fn state(&self) -> MutexGuard<'_, OutputLog> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self, bytes: &[u8], now: Instant) {
        let logged = self.state().read(bytes, now);
        self.all(logged);
    }

    fn all(&self, logged: impl IntoIterator<Item = Logged>) {
        let command = &self.command;
        for one in logged {
            match one {
                Logged::Line { text, cut: 0 } => tracing::info!(id = "SK0611", command, "{text}"),
                Logged::Line { text, cut } => {
                    tracing::info!(id = "SK0611", command, "{text} … {cut} more bytes")
                }
                Logged::Dropped { lines } => {
                    tracing::warn!(
                        id = "SK0612",
                        command,
                        "dropped {lines} lines of the command's output: more than {LINES_PER_SECOND} lines in a second"
                    );
                }
            }
        }
    }
}
