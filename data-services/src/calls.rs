//! Calls and their results. No clock, no I/O.

mod call_error;
mod call_error_kind;
mod call_message;
mod call_options;
mod callee;
mod caller;
mod number_ranges;
mod payload;
mod timers;

pub use self::call_error::CallError;
pub use self::call_error_kind::CallErrorKind;
pub(crate) use self::call_message::CallMessage;
pub(crate) use self::call_options::CallOptions;
pub(crate) use self::callee::{Callee, CalleeCounters, CalleeEffect, RunId};
pub(crate) use self::caller::{CallId, Caller, CallerCounters, CallerEffect};
