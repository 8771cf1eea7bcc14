//! Sealed events: the value of an event is encrypted and authenticated once, for all subscribers that have the key, on any driver
//! (docs/security.md#sealed-events).
//!
//! An [`EventSealer`] of the publisher seals each event when it gets its number, so that the stamp is authenticated as well. What
//! keeps, forwards and repeats events needs no key. An [`EventOpener`] of a subscriber restores the map that a publisher without
//! sealing would have sent, or returns why it cannot ([`NotOpened`]). Both take their keys from a [`Keyring`]: a file that is read
//! again when it changes.
//!
//! A [`PacketSealer`] and a [`PacketOpener`] do the same for packets that are no events of rows: those of the data services engine.
//! They hide all of a packet but its topic, and open it once.
//!
//! ```
//! use pubsub_api::wire::EventRef;
//! use pubsub_api::{Action, Envelope, Event, SEND_ALL};
//! use sealing::{AcceptedEvents, EventOpener, EventSealer, Keyring, SealedParts, keyring_lines};
//!
//! # fn main() -> pubsub_api::Result<()> {
//! let folder = tempfile::tempdir().expect("a folder");
//! let file = folder.path().join("keyring");
//! keyring_lines::create(&file, "2026-12")?;
//!
//! let event = Event::new("lport", "port-1", Action::Set, "up", SEND_ALL);
//! let plain = Envelope::pack(&event)?.payload;
//! let mut sealer = EventSealer::new(Keyring::open(&file)?, SealedParts::Value)?;
//! let map = sealer.plan(&plain).expect("a valid map");
//! let mut sealed = Vec::new();
//! sealer.put(&map, b"D", |out| out.extend_from_slice(b"\xa5stamp\x94\x01\x02\x03\x04"), &mut sealed);
//!
//! let read = EventRef::read(b"D", &sealed).expect("a valid map");
//! assert_eq!((read.value, read.sealed.map(|sealed| sealed.key_id)), (&b"\xc0"[..], Some("2026-12")));
//! let mut opener = EventOpener::new(Keyring::open(&file)?, AcceptedEvents::Sealed);
//! let opened = opener.open(b"D", &sealed, read.sealed).expect("it is authentic").expect("it was sealed");
//! assert_eq!(EventRef::read(b"D", &opened).expect("a valid map").value, b"\xa2up");
//! # Ok(())
//! # }
//! ```

mod keyring;
mod map_parts;
mod nonce_cipher;
mod row_tags;
mod seal_plan;
mod sealing_key;

mod event_opener;
mod event_sealer;
mod not_opened;

mod packets;

mod options;
mod settings;

pub mod keyring_lines;

pub use event_opener::EventOpener;
pub use event_sealer::EventSealer;
pub use keyring::Keyring;
pub use not_opened::NotOpened;
pub use options::{OpeningOptions, SealingOptions};
pub use packets::{PacketOpener, PacketRefusal, PacketSealer, PacketSealing, PacketsToSend};
pub use seal_plan::SealPlan;
pub use settings::{AcceptedEvents, EventsToSeal, SealedParts, SealingSettings};
