//! The status page: static files, and the events that fill them.
//!
//! Once a second the program is read. The [`Observer`] makes of it rates, percentiles, losses, and what has changed; the
//! [`EventHub`] sends that to every stream, encoded once.

mod peer_list;
mod peer_row;

mod notice_journal;

mod history;
mod latency_window;
mod losses;
mod peer_changes;

mod observer;
mod page_event;

mod event_hub;
mod event_stream;

mod page_file;

pub(crate) use event_hub::{EventHub, MAX_STREAMS};
pub(crate) use event_stream::{EventStream, Eviction};
pub use notice_journal::NoticeJournal;
pub(crate) use observer::{Observation, Observer};
pub(crate) use page_file::PageFile;
pub use peer_list::PeerList;
pub use peer_row::{PeerCondition, PeerRow};

#[cfg(test)]
mod tests;
