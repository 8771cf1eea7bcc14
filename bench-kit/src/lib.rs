//! What the measurements of this repository share: `skimmer bench`, `skimmer demo` and the programs in `benches`.
//!
//! - [`Machine`] describes where a measurement ran, [`ProcessUsage`] what a process has used.
//! - [`Clock`] is the clock of a measurement, [`LatencyHistogram`] collects latencies.
//! - [`Spread`] and [`median`] summarize runs.
//! - [`table()`] and [`grouped`] make tables for people, [`plot`] makes pictures.
//! - With the feature `processes`: `ChildProcess` starts and ends the programs that are measured, `Scratch` is their folder.

#[cfg(feature = "processes")]
mod child_process;
mod clock;
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
