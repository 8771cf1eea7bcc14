//! Which sequences a publisher has given, in which epochs, and to which events of its workers.
//!
//! State machines without clocks, files or tasks. [`PublisherState`](publisher_state::PublisherState) holds all of it; the ring
//! keeps it over restarts.

pub(super) mod epoch_history;
pub(super) mod topic_sequence;

pub(super) mod least_recent;
pub(super) mod topic_index;
pub(super) mod topics;
pub(super) mod workers;

pub(super) mod publisher_state;
pub(super) mod stamp_pair;
pub(super) mod stamper;
