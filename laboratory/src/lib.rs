//! What tries Skimmer out as a whole, on one machine: three commands of `skimmer`, each as its arguments and a `run`.
//!
//! - [`demo`] plays a recorded day of a cloud through real processes, and compares what arrived with what was sent.
//! - [`mod@bench`] measures throughput, latency and CPU time from pusher to subscribers.
//! - [`swarm`] runs many subscribers in one process.
//!
//! They start further processes of the program that calls them (`publisher-service`, `subscriber-agent`, `pub`, `dse`), so only
//! `skimmer` can run them. The program links the drivers. What measurements share with the programs in `benches` is in
//! `bench-kit`.

pub mod demo;

pub mod bench;

pub mod swarm;
