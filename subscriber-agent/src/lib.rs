//! The subscriber agent: the part of Skimmer that runs on each node.
//!
//! An [`Agent`] subscribes to `D` and the wanted topics at every publisher, tracks each topic of each publisher by sequence
//! number (`delivery`), keeps a [`Table`] of the latest event of each row, writes events and notices to an [`Output`], and
//! dispatches each event to the [handlers](Handler) of its topic or table. [`run`] is the program around it.
//!
//! A handler processes events in order, at its own pace, from its own bounded queue. Its errors are counted and reported, and
//! [`OnFailure`] defines what follows. They never affect the connection (docs/dragonflow.md#d17).
//!
//! ```
//! use async_trait::async_trait;
//! use pubsub_api::{Registry, Result};
//! use service_kit::SettingsArguments;
//! use std::time::Duration;
//! use subscriber_agent::{AgentBuilder, Change, EventFilter, Handler};
//!
//! struct Print;
//!
//! #[async_trait]
//! impl Handler for Print {
//!     async fn handle(&mut self, change: &Change) -> Result<()> {
//!         println!("{} {:?}", change.event.action, change.event.key);
//!         Ok(())
//!     }
//! }
//!
//! # #[tokio::main]
//! # async fn main() -> Result<()> {
//! let registry = Registry::collect()?;
//! let sets = ["pub_sub_driver=memory_pubsub_driver", "publisher_transport=memory"].map(str::to_owned).to_vec();
//! let (settings, _) = SettingsArguments { config: Vec::new(), sets }.load(&registry)?;
//! let agent = AgentBuilder::new(&registry, &settings)?
//!     .handler(EventFilter::Table("lport".to_owned()), Box::new(Print))
//!     .build();
//! agent.start().await?;
//! agent.stop(); // another task does this, usually at a signal
//! agent.run().await?;
//! agent.drain(Duration::from_secs(10)).await?;
//! assert!(agent.table().is_empty());
//! # Ok(())
//! # }
//! ```

mod agent;
mod applied_reports;
mod builder;
mod change;
mod check;
mod desired_state;
mod dispatcher;
mod event_filter;
mod exec;
mod handler;
mod handler_queue;
mod loss_log;
mod noted;
mod on_failure;
mod output;
mod program;
mod refused_rows;
mod reports;
mod resync_schedule;
mod sync;
mod table_store;
mod table_updater;
mod tracked;
mod wall_clock;

pub use agent::Agent;
pub use builder::AgentBuilder;
pub use change::Change;
pub use check::{check, check_names, posture};
pub use delivery::subscriber::DeliveryMode;
pub use dispatcher::Dispatcher;
pub use event_filter::EventFilter;
pub use exec::ExecHandler;
pub use handler::{Handler, HandlerFailure, HandlerGap};
pub use handler_queue::QueueLimits;
pub use on_failure::OnFailure;
pub use output::{AgentNotice, Output};
pub use program::{AgentArguments, OutputFormat, run};
pub use reports::{Report, Reports, ResyncRequest};
pub use table::Table;
pub use tracked::{connects_to_publishers, listen_to_publishers, tracked_subscriber};

use drivers as _;
