//! Events at a steady rate, from a worker of their own.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use end_to_end::{Folder, event, jsonl};
use serde_json::Value;

/// A worker that publishes until it is ended.
pub(crate) struct Load {
    ending: Arc<AtomicBool>,
    thread: JoinHandle<Vec<Value>>,
}

/// The key of the event after all others; it is no row that another event is about.
const LAST: &str = "the-last-of-all";

const STEP: Duration = Duration::from_millis(10);

impl Load {
    /// At most `rate` events per second, each made by `make` from its number.
    pub(crate) fn start(
        folder: &Folder,
        per_second: usize,
        make: impl Fn(usize) -> Value + Send + 'static,
    ) -> Self {
        let ending = Arc::<AtomicBool>::default();
        let (mut worker, is_ending) = (folder.worker("load"), Arc::clone(&ending));
        let thread = thread::spawn(move || {
            let (mut events, started) = (Vec::new(), Instant::now());
            while !is_ending.load(Ordering::Relaxed) {
                let due = started.elapsed().as_millis() as usize * per_second / 1000;
                let step: Vec<Value> = (events.len()..due).map(&make).collect();
                if !step.is_empty() {
                    worker.write_line(jsonl(&step).trim_end());
                    events.extend(step);
                }
                #[expect(clippy::disallowed_methods, reason = "the pace of the load")]
                thread::sleep(STEP);
            }
            events.push(last());
            worker.write_line(&last().to_string());
            worker.close_stdin();
            assert_eq!(worker.wait_for_end().code(), Some(0), "{}", worker.stderr());
            events
        });
        Self { ending, thread }
    }

    /// Ends it with the [last](is_last) event, waits until the service has all, and returns all.
    pub(crate) fn end(self) -> Vec<Value> {
        self.ending.store(true, Ordering::Relaxed);
        self.thread.join().expect("the worker is good for its events")
    }
}

/// The event after which nothing follows.
pub(crate) fn last() -> Value {
    event("t", LAST, "set", "v", "D")
}

/// Whether this line is that event, however it came.
pub(crate) fn is_last(line: &Value) -> bool {
    line["key"] == LAST
}

/// Sets on a number of rows in turn, and now and then a delete.
pub(crate) fn turns(rows: usize) -> impl Fn(usize) -> Value {
    move |number| {
        let key = (number % rows).to_string();
        match number % 17 {
            16 => event("t", &key, "delete", Value::Null, "D"),
            _ => event("t", &key, "set", number.to_string(), "D"),
        }
    }
}

/// A row each.
pub(crate) fn rows(number: usize) -> Value {
    event("t", &number.to_string(), "set", "v".repeat(100), "D")
}
