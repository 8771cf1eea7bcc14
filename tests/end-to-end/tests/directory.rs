//! The service and the northbound database: its row in the directory, the rows of those that have ended, the tables that it
//! watches, its word that it is alive, and a database that is not there (docs/dragonflow.md#publisher-service, D7 to D11).
#![expect(clippy::unwrap_used, reason = "a test ends where an expectation fails")]

use drivers as _;

#[path = "directory/scene.rs"]
mod scene;

#[path = "directory/absent_databases.rs"]
mod absent_databases;
#[path = "directory/command.rs"]
mod command;
#[path = "directory/monitors.rs"]
mod monitors;
#[path = "directory/on_broker.rs"]
mod on_broker;
#[path = "directory/rows.rs"]
mod rows;
