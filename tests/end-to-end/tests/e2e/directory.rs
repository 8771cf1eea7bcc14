//! The service and the northbound database: its row in the directory, the rows of those that have ended, the tables that it
//! watches, its word that it is alive, and a database that is not there (docs/dragonflow.md#publisher-service, D7 to D11).
#![expect(clippy::unwrap_used, reason = "a test ends where an expectation fails")]

use drivers as _;

mod scene;

mod absent_databases;
mod command;
mod monitors;
mod on_broker;
mod rows;
