//! Real Redis servers for tests, on loopback ports and in temporary folders of their own.
//!
//! - [`RedisServer`] is one process: it can be killed, restarted with its data, and suspended.
//! - [`ServerProgram`] selects the program: Redis 7.0, Redis 6.2 or Valkey 9.1.
//! - [`RedisCluster`] is three masters and three replicas; its slots can be moved during a test.
//! - [`Sentinel`] monitors a server.
//! - [`Authority`] signs certificates for servers and clients that use TLS.
//! - [`Raw`] is a connection that shares no code with the driver under test, so that it shows the real content.
//!
//! Everything waits for a condition, at most [`PATIENCE`], and otherwise ends the test by a panic. Each server is killed by
//! its process id when its value is dropped. Other servers on the machine are never touched.
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
