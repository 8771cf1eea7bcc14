//! The subscribing side: which event is the next, what is missing, and asking for it.

mod answering;
mod asking;
mod buffer;
mod context;
mod counters;
mod delay;
mod feed;
mod followed;
mod held;
mod introduction;
mod item;
mod line;
mod lines;
mod link;
mod links;
mod payload;
mod saved_link;
mod saved_position;
mod timing;
mod tracked_subscriber;
mod tracker;
mod wanted;

pub use buffer::BufferLimit;
pub use feed::Feed;
pub use introduction::Introduction;
pub use item::{Item, Origin, PublisherClock, Snapshot};
pub use saved_link::SavedLink;
pub use saved_position::SavedPosition;
pub use timing::FeedOptions;
pub use tracked_subscriber::TrackedSubscriber;
pub use tracker::{Effect, Phase, Tracker};
