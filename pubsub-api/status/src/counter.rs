use std::sync::atomic::{AtomicU64, Ordering};

use crate::CounterReading;

/// A number that only rises.
///
/// ```
/// use status::Counter;
///
/// static DROPPED: Counter = Counter::with_cause("events_dropped", "too_big");
/// DROPPED.add(1);
/// assert_eq!(DROPPED.read().value, 1);
/// ```
///
/// It can be a `static`. All methods need only a shared reference and never wait. The value starts at 0 with the
/// process, and wraps around after 2⁶⁴ − 1.
#[derive(Debug)]
pub struct Counter {
    name: &'static str,
    cause: Option<&'static str>,
    value: AtomicU64,
}

impl Counter {
    /// Creates a counter at 0.
    #[must_use]
    pub const fn new(name: &'static str) -> Self {
        Self { name, cause: None, value: AtomicU64::new(0) }
    }

    /// Creates one of several counters of a name, which differ in their cause.
    ///
    /// A caller that learns its causes only at run time uses [`CauseCounter`](crate::CauseCounter).
    #[must_use]
    pub const fn with_cause(name: &'static str, cause: &'static str) -> Self {
        Self { name, cause: Some(cause), value: AtomicU64::new(0) }
    }

    /// Adds `more`.
    pub fn add(&self, more: u64) {
        self.value.fetch_add(more, Ordering::Relaxed);
    }

    /// Returns the value.
    #[must_use]
    pub fn get(&self) -> u64 {
        self.value.load(Ordering::Relaxed)
    }

    /// Returns the counter with its name.
    #[must_use]
    pub fn read(&self) -> CounterReading {
        CounterReading { name: self.name.to_owned(), cause: self.cause.map(str::to_owned), value: self.get() }
    }
}
