//! What Skimmer's programs share, so that they behave alike: arguments, logs, signals, readiness, the status socket.

mod arguments;
mod block_on;
mod descriptors;
mod exit;
mod frame;
mod readiness;
mod reload;
mod signals;
mod status_document;
mod status_socket;
mod telemetry;
mod tell;

pub use arguments::SettingsArguments;
pub use block_on::block_on;
pub use descriptors::use_all_descriptors;
pub use exit::{exit_code, usage};
pub use frame::{Endpoints, Frame, ReadParts};
pub use readiness::Readiness;
pub use signals::{Signal, Signals};
pub use status_document::StatusDocument;
pub use status_socket::{StatusServer, ask_status, status_sockets};
pub use telemetry::{LogArguments, LogFormat, LogLevel};
pub use tell::tell;
