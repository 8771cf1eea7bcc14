//! The agent's reads of the northbound database: rows for the full sync, and publisher addresses.

mod database_read;
mod full_sync;
mod publishers;
mod schedule;
mod sync_counters;
mod sync_source;

pub(crate) use database_read::{DatabaseRead, Scope};
pub(crate) use full_sync::{FinishedRead, FullSync};
pub(crate) use publishers::Publishers;
pub(crate) use schedule::Schedule;
pub(crate) use sync_counters::SyncCounters;
pub(crate) use sync_source::SyncSource;
