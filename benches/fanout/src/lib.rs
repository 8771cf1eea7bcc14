//! How fast, and at what CPU, memory and latency, does one server process fan events out, compared in the same run with
//! libzmq, NATS, Redis and raw socket writes?
//!
//! The server is a separate process, started again for each run. This process has both ends: one thread pushes events
//! that were encoded beforehand, one thread reads all subscribers' sockets with one epoll, and counts and checks the
//! input. The payloads are the same bytes for every server. The pusher is never more than a window ahead of the
//! slowest subscriber, so that no server has a reason to drop an event; if one is lost, repeated or out of order, the run
//! fails.

mod options;

mod hex;
mod payload;
mod rota;
mod wire;

mod block;
mod connection;
mod flow;

mod drain;
mod pusher;

mod contender;
mod raw;
mod scraper;
mod server;

mod limits;

mod figure;
mod mode;
mod session;

mod bench;
mod plot;
mod report;
mod table;

pub use options::CommandLine;
use options::Serve;

/// Executes a command line: measures, or serves as `raw` for a bench.
///
/// # Errors
/// If a server is missing or fails, if a system call fails, or if an event was lost; in this case nothing is reported.
pub fn run(command_line: &CommandLine) -> pubsub_api::Result<()> {
    match &command_line.server {
        Some(Serve::Raw { subscribers, socket }) => raw::run(*subscribers, socket),
        None => bench::run(&command_line.bench),
    }
}
