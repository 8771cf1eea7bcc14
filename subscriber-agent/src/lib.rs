//! The subscriber agent: the node's side of Skimmer.
//!
//! An [`Agent`] subscribes to `D` and the wanted topics at every publisher, follows each topic of each publisher by its numbers
//! (`delivery`), keeps a [`Table`] of the latest event of each row, writes events and notices to an [`Output`], and gives each
//! event to the [handlers](Handler) of its topic or table. [`run`] is the program around it.
//!
//! A handler works at its own pace, in order, behind a bounded queue of its own. Its errors are counted and told, and
//! [`OnFailure`] says what follows; they never touch the connection (docs/dragonflow.md#d17).

mod agent;
mod asked;
mod builder;
mod change;
mod check;
mod dispatcher;
mod exec;
mod handler;
mod intake;
mod keeping;
mod lane;
mod loss_log;
mod on_failure;
mod output;
mod program;
mod reports;
mod resyncs;
mod sync;
mod tracked;

pub use agent::Agent;
pub use builder::AgentBuilder;
pub use change::Change;
pub use check::check;
pub use delivery::subscriber::Origin;
pub use dispatcher::Dispatcher;
pub use exec::ExecHandler;
pub use handler::{Handler, HandlerFailure, HandlerGap, Route};
pub use lane::QueueLimits;
pub use on_failure::OnFailure;
pub use output::{AgentNotice, Output};
pub use program::{Arguments, OutputFormat, run};
pub use reports::{Report, Reports, ResyncWanted};
pub use table::Table;
pub use tracked::{connects_to_publishers, listen_to_publishers, tracked_subscriber};

use drivers as _;
