mod state;

use std::fs::File;
use std::io::{self, Write, stderr, stdout};
use std::os::fd::AsFd;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use pubsub_api::QueueReading;
use tokio::sync::Notify;

use crate::stderr::queue;
use state::State;

/// A bounded queue of bytes and the thread that writes them, so that a reader that stops reading blocks nobody else.
///
/// - [`offer`](Self::offer) never waits. Bytes for which there is no room are dropped, and counted as one line.
/// - [`put`](Self::put) waits for room, and so holds back the caller and nothing else.
/// - Bytes are written in the order in which they were accepted. Bytes larger than the bound are accepted alone.
/// - After a failed write the waiting bytes are discarded, and [`put`](Self::put) returns the error.
///
/// `tracing-appender` does the first of these for logs, but it bounds lines and not bytes, reports drops to nobody, and
/// writes to stdout with `println!` when its queue is full at the end of the process, which blocks again (0.2.5,
/// `WorkerGuard::drop`).
#[derive(Debug)]
pub struct WriteQueue {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    /// The thread has something to do.
    filled: Condvar,
    /// The thread has written something or failed, for threads.
    moved: Condvar,
    /// The same, for tasks.
    moved_async: Notify,
    /// What is called with the number of lines that were dropped, once writing goes on.
    report_dropped: fn(u64),
    /// The queue whose lines go first: the log's, so that what was logged before an output line is read before it.
    after: Option<&'static WriteQueue>,
}

/// How long output waits for the log that stands before it. A log that nobody reads costs this once.
const ORDER_PATIENCE: Duration = Duration::from_millis(50);

/// The bound of the queues of stdout and stderr, in bytes: some thousand lines.
const BOUND_BYTES: usize = 1024 * 1024;

/// How soon a write is tried again on a descriptor that another process has made nonblocking.
const RETRY: Duration = Duration::from_millis(10);

impl WriteQueue {
    /// A queue of at most `bound` bytes in front of `writer`. `report_dropped` is called from the queue's thread.
    ///
    /// # Panics
    /// If the operating system starts no thread.
    #[must_use]
    pub fn new(writer: impl Write + Send + 'static, bound: usize, report_dropped: fn(u64)) -> Self {
        Self::start(writer, bound, report_dropped, None)
    }

    fn start(
        writer: impl Write + Send + 'static,
        bound: usize,
        report_dropped: fn(u64),
        after: Option<&'static Self>,
    ) -> Self {
        let shared = Arc::new(Shared {
            state: Mutex::new(State::new(bound)),
            filled: Condvar::new(),
            moved: Condvar::new(),
            moved_async: Notify::new(),
            report_dropped,
            after,
        });
        let of_thread = Arc::clone(&shared);
        thread::spawn(move || of_thread.write_all(writer));
        Self { shared }
    }

    /// In front of this process's stdout. Nothing else may write there meanwhile. What was logged before a line is on stderr
    /// before it, if somebody reads stderr.
    #[must_use]
    pub fn stdout() -> Self {
        let report = |lines| tracing::warn!("dropped {lines} lines for stdout: it was not read");
        match duplicate(&stdout()) {
            Ok(file) => Self::start(file, BOUND_BYTES, report, Some(queue())),
            Err(_) => Self::start(stdout(), BOUND_BYTES, report, Some(queue())),
        }
    }

    /// In front of this process's stderr.
    pub(crate) fn stderr() -> Self {
        let report = |lines| tracing::warn!("dropped {lines} log lines: stderr was not read");
        match duplicate(&stderr()) {
            Ok(file) => Self::new(file, BOUND_BYTES, report),
            Err(_) => Self::new(stderr(), BOUND_BYTES, report),
        }
    }

    /// Accepts `bytes` if there is room; otherwise drops them, counts that, and returns `false`. Never waits.
    pub fn offer(&self, bytes: &[u8]) -> bool {
        let accepted = self.shared.state().offer(bytes);
        self.shared.filled.notify_one();
        accepted
    }

    /// As [`offer`](Self::offer) for a line without its end.
    pub fn offer_line(&self, line: &str) -> bool {
        self.offer(format!("{line}\n").as_bytes())
    }

    /// As [`offer`](Self::offer), but waits for room, at most `patience`. It blocks the thread: not for tasks.
    pub fn offer_within(&self, bytes: &[u8], patience: Duration) -> bool {
        let state = self.shared.state();
        let waited =
            self.shared.moved.wait_timeout_while(state, patience, |state| !state.has_room_for(bytes.len()));
        drop(waited);
        self.offer(bytes)
    }

    /// Accepts `bytes` as soon as there is room.
    ///
    /// # Errors
    /// Those of an earlier write.
    ///
    /// # Cancel safety
    /// If the future is dropped, nothing was accepted.
    pub async fn put(&self, bytes: &[u8]) -> io::Result<()> {
        self.until(|state| state.put(bytes)).await
    }

    /// Waits until all that was accepted is written.
    ///
    /// # Errors
    /// Those of a write.
    ///
    /// # Cancel safety
    /// If the future is dropped, nothing changes.
    pub async fn written(&self) -> io::Result<()> {
        self.until(|state| state.written()).await
    }

    /// Waits until a write fails.
    ///
    /// # Cancel safety
    /// If the future is dropped, nothing changes.
    pub async fn failed(&self) -> io::Error {
        let failed = self.until(|state| state.failure().map(Err)).await;
        failed.err().unwrap_or_else(|| io::ErrorKind::Other.into())
    }

    /// Whether all that was accepted is written.
    #[must_use]
    pub fn is_written(&self) -> bool {
        self.shared.state().unwritten() == 0
    }

    /// The bytes that were accepted and are not written.
    #[must_use]
    pub fn unwritten(&self) -> usize {
        self.shared.state().unwritten()
    }

    /// Waits until all is written, at most `patience`; returns the number of bytes that are not. It blocks the thread:
    /// for the end of a program.
    #[must_use]
    pub fn finish(&self, patience: Duration) -> usize {
        let deadline = Instant::now() + patience;
        let mut state = self.shared.state();
        while state.unwritten() > 0 {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            let waited = self.shared.moved.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        state.unwritten()
    }

    /// How full it is.
    #[must_use]
    pub fn reading(&self, name: &str, when_full: &str) -> QueueReading {
        let state = self.shared.state();
        QueueReading {
            name: name.to_owned(),
            depth: state.unwritten() as u64,
            bound: state.bound() as u64,
            unit: "bytes".to_owned(),
            when_full: when_full.to_owned(),
        }
    }

    async fn until(&self, mut look: impl FnMut(&mut State) -> Option<io::Result<()>>) -> io::Result<()> {
        loop {
            // Made before the look: what happens in between is not missed.
            let moved = self.shared.moved_async.notified();
            let found = look(&mut self.shared.state());
            if let Some(found) = found {
                self.shared.filled.notify_one();
                return found;
            }
            moved.await;
        }
    }
}

impl Drop for WriteQueue {
    fn drop(&mut self) {
        self.shared.state().close();
        self.shared.filled.notify_one();
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The thread: writes what is accepted until the queue is dropped.
    fn write_all(&self, mut writer: impl Write) {
        let mut is_log_unread = false;
        loop {
            let idle = |state: &mut State| state.is_idle();
            let waited = self.filled.wait_while(self.state(), idle);
            let Some(block) = waited.unwrap_or_else(PoisonError::into_inner).take() else { return };
            if let Some(log) = self.after
                && (!is_log_unread || log.is_written())
            {
                is_log_unread = log.finish(ORDER_PATIENCE) > 0;
            }
            let outcome = write_block(&mut writer, &block);
            let dropped = self.state().done(block, outcome);
            self.moved.notify_all();
            self.moved_async.notify_waiters();
            if dropped > 0 {
                (self.report_dropped)(dropped);
            }
        }
    }
}

fn write_block(writer: &mut impl Write, mut block: &[u8]) -> io::Result<()> {
    while !block.is_empty() {
        match writer.write(block) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => block = block.get(written..).unwrap_or_default(),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => thread::sleep(RETRY),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    writer.flush()
}

/// Without the lock and the buffer of the standard library's own.
fn duplicate(of: &impl AsFd) -> io::Result<File> {
    of.as_fd().try_clone_to_owned().map(File::from)
}

#[cfg(test)]
mod tests;
