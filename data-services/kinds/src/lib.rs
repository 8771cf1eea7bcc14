//! The kinds of services that a cage creates from a configuration.
//!
//! | kind | what its services do |
//! |---|---|
//! | `folder` | publish each JSON and CSV file of a folder as a table |
//! | `pushed` | publish the tables that callers push to them |
//! | `filter` | publish those rows of another table that fulfil conditions |
//! | `northbound` | publish the tables of a northbound database |
//! | `bridge` | mirror services of another bus under a prefix, and services of this bus there |
//!
//! A program links the kinds by naming this crate (`use data_services_kinds as _;`). README.md lists the options of each.
//!
//! [`DataSource`] is what a further kind implements whose tables are polled:
//!
//! ```
//! use std::collections::BTreeMap;
//!
//! use async_trait::async_trait;
//! use data_services::{KeyColumns, Row, ServiceKind, TableId};
//! use data_services_kinds::{DataSource, PolledTables, PollingOptions, PollingService};
//! use pubsub_api::Result;
//!
//! /// Publishes the load of its host.
//! #[derive(Debug)]
//! struct HostLoad;
//!
//! #[async_trait]
//! impl DataSource for HostLoad {
//!     async fn tables(&mut self) -> Result<BTreeMap<TableId, KeyColumns>> {
//!         Ok(BTreeMap::from([(TableId::new("load")?, KeyColumns::Fields(vec!["host".into()]))]))
//!     }
//!
//!     async fn poll(&mut self) -> Result<PolledTables> {
//!         let row = Row::of(&serde_json::json!({"host": "esx-1", "load": 0.5}))?;
//!         let key = KeyColumns::Fields(vec!["host".into()]);
//!         Ok(PolledTables::default().with(TableId::new("load")?, key, vec![row]))
//!     }
//! }
//!
//! inventory::submit! {
//!     ServiceKind {
//!         name: "host_load",
//!         summary: "publishes the load of its host",
//!         options: &[],
//!         create: |_config| Ok(Box::new(PollingService::new(HostLoad, PollingOptions::default()))),
//!     }
//! }
//! ```

mod duration_option;
mod key_option;
mod service_status;
mod status_board;
mod wall_clock;

mod polling;

mod folder;
mod northbound_tables;
mod pushed;

mod merged_rows;
mod table_feed;

mod bridge;
mod filter;

mod driver_settings;

pub use polling::{DataSource, PolledRows, PolledTable, PolledTables, PollingOptions, PollingService};
pub use service_status::ServiceStatus;
