mod state;

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use pubsub_api::QueueReading;
use tokio::sync::Notify;

use state::State;

/// A bounded queue of bytes and the thread that writes them, so that a reader that stops reading blocks nothing else.
///
/// - [`offer`](Self::offer) never waits. If there is no room, it drops the bytes and counts them as one line.
/// - [`put`](Self::put) waits for room and blocks only its caller.
/// - Bytes are written in the order in which they were accepted. Bytes larger than the bound are accepted alone.
/// - After a failed write the queued bytes are discarded, and [`put`](Self::put) returns the error.
///
/// `tracing-appender` has the first property for logs, but it bounds lines and not bytes, does not report drops, and writes
/// to stdout with `println!`, which can block, if its queue is full at the end of the process (0.2.5, `WorkerGuard::drop`).
#[derive(Debug)]
pub struct WriteQueue {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    /// Wakes the thread when it has something to write.
    filled: Condvar,
    /// Wakes threads when the thread has written something or failed.
    progress: Condvar,
    /// The same for tasks.
    progress_async: Notify,
    /// Called with the number of dropped lines, once writing succeeds again.
    report_dropped: fn(u64),
    /// The queue that is written first: the log's, so that log lines appear before the output lines that follow them.
    after: Option<&'static WriteQueue>,
}

/// The longest wait of output for earlier log lines. If the log is not read, output waits only once.
const ORDER_TIMEOUT: Duration = Duration::from_millis(50);

/// The bound of the queues of stdout and stderr, in bytes: some thousand lines.
const BOUND_BYTES: usize = 1024 * 1024;

/// The delay before a write is retried on a descriptor that another process has made nonblocking.
const RETRY_DELAY: Duration = Duration::from_millis(10);

impl WriteQueue {
    /// A queue of at most `bound` bytes for `writer`. `report_dropped` is called from the queue's thread.
    ///
    /// # Panics
    /// If the operating system cannot start a thread.
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
            progress: Condvar::new(),
            progress_async: Notify::new(),
            report_dropped,
            after,
        });
        let of_thread = Arc::clone(&shared);
        thread::spawn(move || of_thread.write_all(writer));
        Self { shared }
    }

    /// The queue for a standard stream of this process. If there is a queue `after` and it is read, its earlier bytes are
    /// written before the later ones of this queue.
    pub(crate) fn standard(
        stream: impl Write + AsFd + Send + 'static,
        report_dropped: fn(u64),
        after: Option<&'static Self>,
    ) -> Self {
        match duplicate(&stream) {
            Ok(file) => Self::start(file, BOUND_BYTES, report_dropped, after),
            Err(_) => Self::start(stream, BOUND_BYTES, report_dropped, after),
        }
    }

    /// Accepts `bytes` if there is room; otherwise drops and counts them, and returns `false`. Never waits.
    pub fn offer(&self, bytes: &[u8]) -> bool {
        let accepted = self.shared.state().offer(bytes);
        self.shared.filled.notify_one();
        accepted
    }

    /// As [`offer`](Self::offer), for a line without its newline.
    pub fn offer_line(&self, line: &str) -> bool {
        self.offer(format!("{line}\n").as_bytes())
    }

    /// As [`offer`](Self::offer), but waits for room, at most `timeout`. It blocks the thread, so it is not for tasks.
    pub fn offer_within(&self, bytes: &[u8], timeout: Duration) -> bool {
        let state = self.shared.state();
        let waited =
            self.shared.progress.wait_timeout_while(state, timeout, |state| !state.has_room_for(bytes.len()));
        drop(waited);
        self.offer(bytes)
    }

    /// Waits for room and accepts `bytes`.
    ///
    /// # Errors
    /// The error of an earlier write.
    ///
    /// # Cancel safety
    /// If the future is dropped, no byte is accepted.
    pub async fn put(&self, bytes: &[u8]) -> io::Result<()> {
        self.until(|state| state.put(bytes)).await
    }

    /// Waits until all accepted bytes are written.
    ///
    /// # Errors
    /// The error of a write.
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

    /// Whether all accepted bytes are written.
    #[must_use]
    pub fn is_written(&self) -> bool {
        self.shared.state().unwritten() == 0
    }

    /// The number of accepted bytes that are not written.
    #[must_use]
    pub fn unwritten(&self) -> usize {
        self.shared.state().unwritten()
    }

    /// Waits until everything is written, at most `timeout`, and returns the number of bytes that are not. It blocks the
    /// thread; for the end of a program.
    ///
    /// ```
    /// use service_kit::WriteQueue;
    /// use std::time::Duration;
    ///
    /// let queue = WriteQueue::new(std::io::sink(), 1024, |dropped| eprintln!("dropped {dropped} lines"));
    /// assert!(queue.offer_line("one"));
    /// assert_eq!(queue.finish(Duration::from_secs(60)), 0, "everything is written");
    /// ```
    #[must_use]
    pub fn finish(&self, timeout: Duration) -> usize {
        let deadline = Instant::now() + timeout;
        let mut state = self.shared.state();
        while state.unwritten() > 0 {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            let waited = self.shared.progress.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        state.unwritten()
    }

    /// The depth and bound of the queue, for a status.
    #[must_use]
    pub fn reading(&self, name: &str, when_full: &str) -> QueueReading {
        let state = self.shared.state();
        QueueReading::new(name, "bytes", (state.unwritten(), state.bound()), when_full)
    }

    async fn until(&self, mut check: impl FnMut(&mut State) -> Option<io::Result<()>>) -> io::Result<()> {
        loop {
            // Registered before the check, so that progress in between is not missed.
            let progress = self.shared.progress_async.notified();
            let outcome = check(&mut self.shared.state());
            if let Some(outcome) = outcome {
                self.shared.filled.notify_one();
                return outcome;
            }
            progress.await;
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

    /// The body of the thread: writes accepted bytes until the queue is dropped.
    fn write_all(&self, mut writer: impl Write) {
        let mut is_log_unread = false;
        loop {
            let idle = |state: &mut State| state.is_idle();
            let waited = self.filled.wait_while(self.state(), idle);
            let Some(block) = waited.unwrap_or_else(PoisonError::into_inner).take() else { return };
            if let Some(log) = self.after
                && (!is_log_unread || log.is_written())
            {
                is_log_unread = log.finish(ORDER_TIMEOUT) > 0;
            }
            let outcome = write_block(&mut writer, &block);
            let dropped = self.state().done(block, outcome);
            self.progress.notify_all();
            self.progress_async.notify_waiters();
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
            #[expect(
                clippy::disallowed_methods,
                reason = "a thread of its own writes, and the descriptor may be of a kind that cannot be polled"
            )]
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => thread::sleep(RETRY_DELAY),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    writer.flush()
}

/// A file for the same descriptor, without the lock and the buffer of the standard library's handle.
fn duplicate(of: &impl AsFd) -> io::Result<File> {
    of.as_fd().try_clone_to_owned().map(File::from)
}

#[cfg(test)]
mod tests;
