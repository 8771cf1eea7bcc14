//! Real Redis servers for tests, on loopback ports and in temporary folders of their own.
//!
//! - [`RedisServer`] is one process: it can be killed, started again with its data, and halted.
//! - [`ServerProgram`] is what runs: Redis 7.0, Redis 6.2 or Valkey 9.1.
//! - [`RedisCluster`] is three masters and three replicas; its slots can be moved while a test goes on.
//! - [`Sentinel`] watches a server.
//! - [`Authority`] signs certificates for servers and clients that speak TLS.
//! - [`Raw`] is a connection that shares no code with the driver under test: what it reads is what is there.
//!
//! Everything waits for a condition, at most [`PATIENCE`], and ends the test by a panic. Servers are killed, each by its
//! process number, when their values are dropped. A server that the machine runs for others is never touched.
//!
//! ```no_run
//! let server = redis_servers::RedisServer::start(&[]);
//! server.raw().call(&["SET", "{lport.tenant-1}port-1", "{}"]);
//! ```
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test ends where an expectation fails"
)]

mod authority;
mod bus;
mod cluster;
mod patience;
mod port;
mod raw;
mod sentinel;
mod server;
mod server_program;

pub use authority::{Authority, Certified};
pub use cluster::{Move, RedisCluster};
pub use patience::{PATIENCE, until};
pub use raw::{Raw, Reply};
pub use sentinel::Sentinel;
pub use server::RedisServer;
pub use server_program::ServerProgram;
