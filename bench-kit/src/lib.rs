//! What the measurements of this repository share: `skimmer bench`, `skimmer demo` and the programs in `benches`.
//!
//! - [`Machine`] describes where a measurement ran, [`ProcessUsage`] what a process has used.
//! - [`Clock`] is the clock of a measurement, [`LatencyHistogram`] collects latencies.
//! - [`Spread`] and [`median`] summarize runs.
//! - [`table()`] and [`grouped`] make tables for people, [`plot`] makes pictures.
//! - [`failure()`] and [`cannot`] make the errors that end a run.
//! - With the feature `processes`: `ChildProcess` starts and ends the programs that are measured, `Scratch` is their folder.
//!
//! ```
//! use bench_kit::{Clock, LatencyHistogram, Spread, grouped, table};
//!
//! let (clock, mut latencies) = (Clock::start(), LatencyHistogram::new()?);
//! for _ in 0..100 {
//!     let sent = clock.now_ns();
//!     // … the event travels …
//!     latencies.record_ns(clock.now_ns() - sent);
//! }
//! assert_eq!(latencies.count(), 100);
//!
//! let rates = Spread::of(vec![1_200_000.0, 1_000_000.0, 1_100_000.0]);
//! let median = grouped(rates.median.unwrap_or_default(), 0);
//! assert_eq!(median, "1,100,000");
//! let text = table(["server", "events/s"], [vec!["ours".to_owned(), median]], 0);
//! assert_eq!(text.lines().count(), 3, "header, line, row");
//! # Ok::<(), pubsub_api::Error>(())
//! ```

#[cfg(feature = "processes")]
mod child_process;
mod clock;
mod failure;
mod grouped;
mod latency;
mod latency_histogram;
mod machine;
mod median;
pub mod plot;
mod process_usage;
mod resident_memory;
#[cfg(feature = "processes")]
mod scratch;
mod spread;
mod table;

#[cfg(feature = "processes")]
pub use child_process::ChildProcess;
pub use clock::Clock;
pub use failure::{cannot, failure};
pub use grouped::grouped;
pub use latency::Latency;
pub use latency_histogram::LatencyHistogram;
pub use machine::Machine;
pub use median::median;
pub use process_usage::ProcessUsage;
pub use resident_memory::ResidentMemory;
#[cfg(feature = "processes")]
pub use scratch::Scratch;
pub use spread::Spread;
pub use table::table;
