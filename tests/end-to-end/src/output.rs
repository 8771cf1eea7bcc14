use std::io::{BufRead, BufReader, Read};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

/// The lines that a process writes, collected by a separate thread.
///
/// A line that is not JSON is kept as a JSON string. The collection is not bounded.
#[derive(Debug, Default)]
pub(crate) struct Output {
    collected: Mutex<Collected>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Collected {
    lines: Vec<Value>,
    ended: bool,
}

/// Why a wait failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum InVain {
    TimedOut,
    OutputEnded,
}

impl Output {
    pub(crate) fn collect(source: impl Read + Send + 'static) -> Arc<Self> {
        let output = Arc::new(Self::default());
        let collecting = Arc::clone(&output);
        thread::spawn(move || {
            let mut source = BufReader::new(source);
            let mut line = Vec::new();
            while source.read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
                let text = String::from_utf8_lossy(&line);
                let text = text.trim_end();
                let value = serde_json::from_str(text).unwrap_or_else(|_| Value::from(text));
                collecting.change(|collected| collected.lines.push(value));
                line.clear();
            }
            collecting.change(|collected| collected.ended = true);
        });
        output
    }

    fn change(&self, change: impl FnOnce(&mut Collected)) {
        change(&mut self.lock());
        self.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, Collected> {
        self.collected.lock().expect("no test panics while it holds this lock")
    }

    pub(crate) fn lines(&self) -> Vec<Value> {
        self.lock().lines.clone()
    }

    pub(crate) fn len(&self) -> usize {
        self.lock().lines.len()
    }

    /// The index of the `nth` wanted line (from 1) among those from `from` on.
    pub(crate) fn find(
        &self,
        from: usize,
        nth: usize,
        patience: Duration,
        wanted: impl Fn(&Value) -> bool,
    ) -> Result<(usize, Value), InVain> {
        let deadline = Instant::now() + patience;
        let (mut seen, mut found) = (from, 0);
        let mut collected = self.lock();
        loop {
            for (index, line) in collected.lines.iter().enumerate().skip(seen) {
                found += usize::from(wanted(line));
                if found == nth {
                    return Ok((index, line.clone()));
                }
            }
            seen = collected.lines.len().max(from);
            if collected.ended {
                return Err(InVain::OutputEnded);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(InVain::TimedOut);
            }
            collected = self.changed.wait_timeout(collected, left).expect("as above").0;
        }
    }

    /// Waits until the process has closed its stdout.
    pub(crate) fn wait_for_end(&self, patience: Duration) -> bool {
        let (_collected, waited) = self
            .changed
            .wait_timeout_while(self.lock(), patience, |collected| !collected.ended)
            .expect("as above");
        !waited.timed_out()
    }
}
