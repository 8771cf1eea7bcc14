//! The subscriber agent: the node's side of Skimmer.
//!
//! An [`Agent`] subscribes to `D` and the wanted topics at every publisher, keeps a [`Table`] of the latest event of
//! each row, writes events and notices to an [`Output`], and gives each event to the [handlers](Handler) of its topic
//! or table. [`run`] is the program around it.
//!
//! A handler works at its own pace, in order, behind a bounded queue of its own. Its errors are counted and told; they
//! never touch the connection (Dragonflow reconnected and lost events then: defect D17).

mod agent;
mod asked;
mod builder;
mod dispatcher;
mod exec;
mod handler;
mod lane;
mod output;
mod program;
mod table;

pub use agent::Agent;
pub use builder::AgentBuilder;
pub use dispatcher::Dispatcher;
pub use exec::ExecHandler;
pub use handler::{Handler, HandlerFailure, Route};
pub use output::{AgentNotice, Output};
pub use program::{Arguments, OutputFormat, run};
pub use table::Table;

use drivers as _;
