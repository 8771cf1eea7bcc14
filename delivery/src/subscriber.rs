//! The subscriber: follows each topic of each publisher, detects missing events, and requests them.
//!
//! One topic of one publisher, of which an event is lost on its way and then requested:
//!
//! ```
//! use delivery::Position;
//! use delivery::subscriber::{BufferLimit, Effect, Phase, Tracker};
//!
//! let at = |sequence| Position { epoch: 1, sequence };
//! let (mut tracker, mut effects) = (Tracker::resumed(at(4), BufferLimit::default()), Vec::new());
//!
//! tracker.data(1, 5, "five", 4, &mut effects);
//! assert!(effects.contains(&Effect::Apply { event: "five", replayed: false }));
//!
//! tracker.data(1, 7, "seven", 5, &mut effects);
//! assert_eq!((tracker.phase(), tracker.position()), (Phase::Recovering, at(5)), "seven waits for six");
//! assert!(tracker.is_behind(), "a request is necessary");
//!
//! tracker.replayed(1, 6, "six", &mut effects);
//! tracker.replay_ended(at(6), &mut effects);
//! assert!(effects.contains(&Effect::Apply { event: "six", replayed: true }));
//! assert_eq!((tracker.phase(), tracker.position()), (Phase::Live, at(7)));
//!
//! tracker.data(1, 7, "seven", 5, &mut effects);
//! assert_eq!(tracker.duplicates(), 1, "a repeat is dropped");
//! ```

mod applied_stream;
mod buffer;
mod context;
mod counters;
mod delay;
mod delivery_mode;
mod feed;
mod introduction;
mod item;
mod link;
mod links;
mod live_latencies;
mod opening;
mod payload;
mod pre_hello_buffer;
mod publisher_clock;
mod publisher_stream;
mod publisher_streams;
mod refusals;
mod request_schedule;
mod saved_link;
mod saved_position;
mod snapshot;
mod sync_client;
mod sync_response;
mod timing;
mod tracked_subscriber;
mod tracked_topic;
mod tracker;

pub use applied_stream::AppliedStream;
pub use buffer::BufferLimit;
pub use delivery_mode::DeliveryMode;
pub use feed::Feed;
pub use introduction::Introduction;
pub use item::Item;
pub use publisher_clock::PublisherClock;
pub use saved_link::SavedLink;
pub use saved_position::SavedPosition;
pub use snapshot::Snapshot;
pub use timing::FeedOptions;
pub use tracked_subscriber::TrackedSubscriber;
pub use tracker::{Effect, Phase, Tracker};
