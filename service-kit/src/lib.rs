//! The parts that Skimmer's programs share: arguments, logs, signals, readiness, the status socket, events as
//! [JSON lines](json).
//!
//! The main loop of a program:
//!
//! ```
//! use pubsub_api::Result;
//! use service_kit::{ProgramHost, SettingsArguments, Signal};
//!
//! async fn serve(arguments: &SettingsArguments) -> Result<()> {
//!     let mut host = ProgramHost::new("example", arguments)?;
//!     // … starts the work with `host.settings()` …
//!     loop {
//!         match host.next().await {
//!             Signal::Stop | Signal::Drain => return Ok(()),
//!             Signal::Reload => host.reload(|_new| Ok(())),
//!             Signal::Status => service_kit::print_line("no status yet"),
//!         }
//!     }
//! }
//! ```

pub mod json;

mod arguments;
mod block_on;
mod descriptors;
mod drain;
mod exit;
mod local_socket;
mod log_limit;
mod orphans;
mod print_line;
mod printable;
mod program_host;
mod query_socket;
mod read_parts;
mod readiness;
mod reload;
mod signals;
mod status_document;
mod status_socket;
mod stderr;
mod stdout;
mod telemetry;
mod vital_signs;
mod watchdog;
mod write_queue;

pub use arguments::SettingsArguments;
pub use block_on::block_on;
pub use descriptors::use_all_descriptors;
pub use drain::{Drain, DrainProgress, DrainRequest};
pub use exit::{exit_code, usage};
pub use orphans::{OwnChild, spawn_child};
pub use print_line::print_line;
pub use printable::{printable, printable_lines};
pub use program_host::{Endpoints, ProgramHost};
pub use query_socket::{Query, QueryServer, ReplyToQuery, query};
pub use read_parts::ReadParts;
pub use readiness::Readiness;
pub use signals::{Signal, Signals};
pub use status_document::{STATUS_VERSION, StatusDocument};
pub use status_socket::{StatusServer, request_status, status_sockets};
pub use stderr::{report, report_now};
pub use telemetry::{LogArguments, LogFormat, LogLevel};
pub use vital_signs::VitalSigns;

pub use write_queue::WriteQueue;
