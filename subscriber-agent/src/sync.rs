//! What the agent takes from the northbound database: the rows, to compare its table with, and where publishers are.

mod publishers;
mod read;
mod schedule;
mod source;
mod sync_counters;
mod syncing;

pub(crate) use publishers::Publishers;
pub(crate) use read::{Read, Scope};
pub(crate) use schedule::Schedule;
pub(crate) use source::Source;
pub(crate) use sync_counters::SyncCounters;
pub(crate) use syncing::{Finished, Syncing};
