use std::io::{self, Write};
use std::sync::OnceLock;
use std::time::Duration;

use tokio::time::timeout;

use crate::{WriteQueue, printable_lines};

/// The one queue in front of stderr: log lines and the last error go through it, in order.
static QUEUE: OnceLock<WriteQueue> = OnceLock::new();

/// How long [`report`] waits for room: a terminal that scrolls is waited for, one that is stopped is not.
const REPORT_PATIENCE: Duration = Duration::from_secs(1);

/// How long the end of a program waits until stderr has taken what is left.
const END_PATIENCE: Duration = Duration::from_secs(1);

/// What the log writes to: it never waits.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LogWriter;

impl Write for LogWriter {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        // A line that is dropped is counted there.
        let _ = queue().offer(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Writes one line for a person to stderr, with control characters escaped, after what was logged before. If nobody reads stderr for a second, the line is
/// dropped and counted as a log line.
pub fn report(line: impl std::fmt::Display) {
    let line = printable_lines(&line.to_string());
    let _ = queue().offer_within(format!("{line}\n").as_bytes(), REPORT_PATIENCE);
}

/// As [`report`], but never waits: for tasks.
pub fn report_now(line: impl std::fmt::Display) {
    let _ = queue().offer_line(&printable_lines(&line.to_string()));
}

/// Waits until stderr has taken what is left, at most a second. For the end of a program.
pub(crate) fn finish() {
    if let Some(queue) = QUEUE.get() {
        // If nobody reads it, there is nowhere to report that to.
        let _ = queue.finish(END_PATIENCE);
    }
}

/// Waits until what was logged is on stderr, as long as output waits for it: so that whoever reads a status finds the log that
/// belongs to it.
pub(crate) async fn written() {
    // If nobody reads it, the status is what is left.
    let _ = timeout(STATUS_PATIENCE, queue().written()).await;
}

/// As long as output waits for the log.
const STATUS_PATIENCE: Duration = Duration::from_millis(50);

pub(crate) fn queue() -> &'static WriteQueue {
    QUEUE.get_or_init(WriteQueue::stderr)
}
