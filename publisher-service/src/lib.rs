//! The publisher service: one per API host. Events come in from the workers over the multiproc driver, are checked,
//! and go out to the agents over the network driver.
//!
//! [`run`] is the program; [`PublisherService`] is the service to embed in another program. A bad event, peer or error
//! does not end it: [`admit`] refuses by cause, and the [`Forwarder`] counts the event and continues.
//!
//! With a northbound database the service keeps its row in the directory of publishers, removes the rows of services that
//! have ended, watches tables, and reports that it is alive. With a broker the workers publish directly, and the service
//! does only the database work.
//!
//! ```
//! use publisher_service::PublisherService;
//! use pubsub_api::Registry;
//! use settings::Sources;
//! use std::time::Duration;
//!
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let folder = tempfile::tempdir()?;
//! let registry = Registry::collect()?;
//! let sets = vec![
//!     "pub_sub_driver=memory_pubsub_driver".to_owned(),
//!     "pub_sub_multiproc_driver=memory_pubsub_driver".to_owned(),
//!     format!("state_dir={}", folder.path().display()),
//! ];
//! let (settings, _) = all_settings::load(&Sources { sets, ..Sources::default() }, &registry.settings())?;
//!
//! let service = PublisherService::start(&registry, &settings).await?;
//! assert_eq!(service.network_endpoint().as_deref(), Some("memory://127.0.0.1:8866"));
//! assert!(service.ipc_endpoint().is_some(), "workers of this process can publish now");
//! service.drain(Duration::from_secs(10)).await?;
//! # Ok(())
//! # }
//! ```

mod admission;
mod dropped_event;
mod forwarder;
mod worker_side;

mod network;

mod local_addresses;
mod public_host;

mod northbound_side;
mod shared_reading;

mod agent_list;
mod prepared;
mod queries;
mod service;

mod check;
mod program;

pub use admission::admit;
pub use check::{Addresses, check, check_names, posture};
pub use forwarder::Forwarder;
pub use program::{ServiceArguments, run};
pub use service::{DrainPatience, PublisherService};

use drivers as _;
