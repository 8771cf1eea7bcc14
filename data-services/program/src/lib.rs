//! A node of the data services engine as a program, and the short-lived nodes by which commands look at a bus.
//!
//! - [`run`] is `skimmer dse run`: a node from the settings, with the services of the services file.
//! - [`check`] makes the checks of that start, and starts nothing: `skimmer config check --for node`.
//! - [`BusClient`] joins the bus of the same settings for the time of one command. It uses the nodes of the settings as
//!   seeds, so it works on every host that reaches one of them, beside a running node or not.
//!
//! Every node that [`run`] starts has the hidden service [`NODE_SERVICE`], whose method `report` returns the
//! [`NodeReport`](data_services::NodeReport) of that node.

mod access_file;
mod bus_client;
mod check;
mod node_driver;
mod node_service;
mod node_settings;
mod node_status;
mod program;
mod refusal;
mod services_file;

pub use bus_client::BusClient;
pub use check::{PROGRAM, check, check_options, posture};
pub use node_service::NODE_SERVICE;
pub use program::{NodeArguments, run};
