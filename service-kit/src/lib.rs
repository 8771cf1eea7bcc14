//! What Skimmer's programs share, so that they behave alike: arguments, logs, signals, readiness, the status socket, events
//! as [JSON lines](json).

pub mod json;

mod arguments;
mod block_on;
mod descriptors;
mod exit;
mod frame;
mod orphans;
mod printable;
mod readiness;
mod reload;
mod signals;
mod status_document;
mod status_socket;
mod stderr;
mod telemetry;
mod tell;
mod watchdog;
mod write_queue;

pub use arguments::SettingsArguments;
pub use block_on::block_on;
pub use descriptors::use_all_descriptors;
pub use exit::{exit_code, usage};
pub use frame::{Endpoints, Frame, ReadParts};
pub use orphans::{OwnChild, spawn_child};
pub use printable::{printable, printable_lines};
pub use readiness::Readiness;
pub use signals::{Signal, Signals};
pub use status_document::StatusDocument;
pub use status_socket::{StatusServer, ask_status, status_sockets};
pub use stderr::{report, report_now};
pub use telemetry::{LogArguments, LogFormat, LogLevel};
pub use tell::tell;
pub use write_queue::WriteQueue;
