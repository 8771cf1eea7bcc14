//! What a subscriber received, in a file: [`Recorder`] writes it, [`Recording`] reads it, and [`unstamped`] makes what a publisher
//! can publish again. It is for a user's trouble that is to become a test: `skimmer record`, `skimmer replay`, `skimmer demo`.
//!
//! # The file
//!
//! The format is [MCAP](https://mcap.dev/spec), which other tools read: each record has its length before it, records are in
//! chunks with a checksum, and an index of the chunks is at the end. A chunk is written at once, at the latest a second after its
//! first record, so a recorder that is killed loses at most that; its file has no index, and is read as far as it goes. The file
//! survives the end of the process, not that of the host.
//!
//! | in the file | contents |
//! |---|---|
//! | profile of the header | `skimmer-recording-1` |
//! | channels `live`, `replay`, `snapshot`, `sync` | events by how they reached the subscriber: the packed map as it was received, which names its topic, too; sealed events stay sealed unless the subscriber had the key |
//! | channel `notices` | notices as JSON, at their place between the events |
//! | log time of a message | when it arrived, by the clock of the recorder |
//! | publish time of a message | the time of the stamp, by the clock of the publisher; that of the arrival without one |
//!
//! Values are the data of customers: the file has the mode 0600. [`redacted`] replaces them.
//!
//! ```
//! use delivery::subscriber::DeliveryMode;
//! use pubsub_api::{Action, Envelope, Event, SEND_ALL};
//! use recording::{RecordedItem, Recorder, Recording};
//!
//! let folder = tempfile::tempdir().expect("a folder");
//! let path = folder.path().join("trouble.mcap");
//! let mut recorder = Recorder::create(&path)?;
//! let envelope = Envelope::pack(&Event::new("lport", "port-1", Action::Set, "up", SEND_ALL))?;
//! recorder.record_event(1_000, DeliveryMode::Live, &envelope)?;
//! recorder.finish()?;
//!
//! let mut recording = Recording::open(&path)?;
//! let first = recording.next().expect("an entry")?;
//! assert_eq!(first.entry, RecordedItem::Event { envelope, mode: DeliveryMode::Live });
//! assert!(recording.next().is_none() && recording.is_complete());
//! # Ok::<(), pubsub_api::Error>(())
//! ```

mod channel;
mod chunk_file;
mod container;
mod recorded_entry;
mod recorded_item;
mod recorder;
mod recording;
mod redacted;
mod unstamped;

pub use self::recording::Recording;
pub use recorded_entry::RecordedEntry;
pub use recorded_item::RecordedItem;
pub use recorder::{MAX_CHUNKS, Recorder};
pub use redacted::redacted;
pub use unstamped::unstamped;
