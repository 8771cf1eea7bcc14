//! What one thread logs, for tests of log messages.
//!
//! ```
//! let log = captured_log::CapturedLog::begin();
//! tracing::warn!(port = 8866, "cannot bind");
//! assert_eq!(log.warnings().len(), 1);
//! assert!(log.text().contains("cannot bind port=8866"));
//! ```

use std::io;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};

use tracing::Dispatch;
use tracing::subscriber::{DefaultGuard, NoSubscriber};

/// Collects what the current thread logs, at every level, until it is dropped. A test whose runtime is `current_thread` runs all of its
/// tasks on this thread.
#[derive(Debug)]
pub struct CapturedLog {
    lines: Lines,
    _guard: DefaultGuard,
}

/// A subscriber that never ends. While a process has only one subscriber, a log message that is reached for the first time is judged by
/// the subscriber of the thread that reaches it, for all threads (tracing-core 0.1.36, `callsite.rs`, `Rebuilder::JustOne`): the
/// thread of another test, which has none, would switch the message off.
static SECOND: LazyLock<Dispatch> = LazyLock::new(|| Dispatch::new(NoSubscriber::default()));

impl CapturedLog {
    /// Starts to collect.
    #[must_use]
    pub fn begin() -> Self {
        LazyLock::force(&SECOND);
        let lines = Lines::default();
        let writer = lines.clone();
        let subscriber = tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_ansi(false);
        let subscriber = subscriber.with_writer(move || writer.clone()).finish();
        Self { lines, _guard: tracing::subscriber::set_default(subscriber) }
    }

    /// Everything so far, one line for each message.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.lines.lock()).into_owned()
    }

    /// The lines of level WARN.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        self.text().lines().filter(|line| line.contains("WARN")).map(str::to_owned).collect()
    }
}

#[derive(Debug, Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Lines {
    fn lock(&self) -> MutexGuard<'_, Vec<u8>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.lock().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::CapturedLog;

    #[test]
    fn a_message_that_another_thread_logs_first_is_still_collected_here() {
        let log = CapturedLog::begin();
        let say = || tracing::info!("of two threads");
        std::thread::spawn(say).join().unwrap();
        say();
        assert_eq!(log.text().matches("of two threads").count(), 1, "{}", log.text());
    }
}
