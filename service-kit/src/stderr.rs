use std::io::{self, Write, stderr};
use std::sync::OnceLock;
use std::time::Duration;

use tokio::time::timeout;

use crate::{WriteQueue, printable_lines};

/// The queue for stderr. Log lines and the final error pass through it in order.
static QUEUE: OnceLock<WriteQueue> = OnceLock::new();

/// The longest wait of [`report`] for room: enough for a terminal that scrolls, but a stopped terminal does not block it.
const REPORT_TIMEOUT: Duration = Duration::from_secs(1);

/// The longest wait at the end of a program until stderr is written.
const EXIT_TIMEOUT: Duration = Duration::from_secs(1);

/// The writer of the log; it never waits.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LogWriter;

impl Write for LogWriter {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        // The queue counts a dropped line.
        let _ = queue().offer(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Writes one line for the user to stderr, after the earlier log lines, with control characters escaped. If stderr is not
/// read for a second, the line is dropped and counted like a log line.
pub fn report(line: impl std::fmt::Display) {
    let line = printable_lines(&line.to_string());
    let _ = queue().offer_within(format!("{line}\n").as_bytes(), REPORT_TIMEOUT);
}

/// As [`report`], but never waits; for use in tasks.
pub fn report_now(line: impl std::fmt::Display) {
    let _ = queue().offer_line(&printable_lines(&line.to_string()));
}

/// Waits at most a second until everything is written to stderr. For the end of a program.
pub(crate) fn finish() {
    if let Some(queue) = QUEUE.get() {
        // If stderr is not read, there is no place left to report that.
        let _ = queue.finish(EXIT_TIMEOUT);
    }
}

/// Waits until the log is written to stderr, at most 50 ms, so that a reader of a status finds the log lines that belong
/// to it.
pub(crate) async fn written() {
    // If stderr is not read, the status is sent without waiting longer.
    let _ = timeout(STATUS_TIMEOUT, queue().written()).await;
}

/// The same as the wait of stdout for the log.
const STATUS_TIMEOUT: Duration = Duration::from_millis(50);

/// The queue for this process's stderr.
pub(crate) fn queue() -> &'static WriteQueue {
    let report =
        |lines| tracing::warn!(id = "SK0112", "dropped {lines} log lines: the reader of stderr did not read");
    QUEUE.get_or_init(|| WriteQueue::standard(stderr(), report, None))
}
