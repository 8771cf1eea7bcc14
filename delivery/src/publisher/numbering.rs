//! Which sequences a publisher has given, in which epochs, and to which events of its workers.
//!
//! State machines without clocks, files or tasks. All of it is in [`Ledger`](ledger::Ledger); the ring keeps it over restarts.

pub(super) mod line;
pub(super) mod lineage;

pub(super) mod history;
pub(super) mod least_recent;
pub(super) mod topics;
pub(super) mod workers;

pub(super) mod ledger;
pub(super) mod stamp_pair;
