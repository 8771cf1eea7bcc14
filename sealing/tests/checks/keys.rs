//! A keyring, and what is sealed and opened with it.

use std::sync::OnceLock;

use pubsub_api::wire::{EventRef, append_pairs};
use sealing::{AcceptedEvents, EventOpener, EventSealer, Keyring, NotOpened, SealedParts};

/// The pair that a publisher appends.
pub(crate) const STAMP: &[u8] =
    b"\xa5stamp\x94\xcf\0\0\0\0\0\0\0\x01\xcf\0\0\0\0\0\0\0\x02\xcf\0\0\0\0\0\0\0\x03\xcf\0\0\0\0\0\0\0\x04";

/// A keyring with the keys `a` (used) and `b`.
pub(crate) fn keyring() -> std::sync::Arc<Keyring> {
    static KEYRING: OnceLock<std::sync::Arc<Keyring>> = OnceLock::new();
    let make = || {
        let Ok(folder) = tempfile::tempdir() else { unreachable!("no folder") };
        let path = folder.path().join("keyring");
        let lines = format!("a {} use\nb {}\nrows {}\n", "1a".repeat(32), "2b".repeat(32), "3c".repeat(32));
        let written = key_files::create_secret(&path).and_then(|mut file| {
            use std::io::Write;
            file.write_all(lines.as_bytes())
        });
        assert!(written.is_ok());
        match Keyring::open(&path) {
            Ok(keyring) => keyring,
            Err(error) => unreachable!("{error}"),
        }
    };
    std::sync::Arc::clone(KEYRING.get_or_init(make))
}

pub(crate) fn opener() -> EventOpener {
    EventOpener::new(keyring(), AcceptedEvents::Sealed)
}

pub(crate) fn sealer(parts: SealedParts) -> EventSealer {
    match EventSealer::new(keyring(), parts) {
        Ok(sealer) => sealer,
        Err(error) => unreachable!("{error}"),
    }
}

/// The map with a stamp, as a publisher sends it that does not seal, and as `sealer` seals it.
pub(crate) fn sealed(sealer: &mut EventSealer, topic: &[u8], map: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    let plan = sealer.plan(map).ok()?;
    let mut plain = Vec::new();
    append_pairs(map, 1, STAMP, &mut plain).ok()?;
    let mut sealed = b"before".to_vec();
    sealer.put(&plan, topic, |out| out.extend_from_slice(STAMP), &mut sealed);
    let sealed = sealed.split_off(b"before".len());
    assert_eq!(sealed.len(), sealer.bytes(&plan, STAMP.len()));
    assert!(sealed.len() <= EventSealer::most_bytes(&plan, STAMP.len()));
    Some((plain, sealed))
}

/// What a subscriber makes of a payload.
pub(crate) fn opened(topic: &[u8], payload: &[u8]) -> Option<Result<Vec<u8>, NotOpened>> {
    let sealed = EventRef::read(topic, payload).ok()?.sealed;
    Some(opener().open(topic, payload, sealed).map(|opened| opened.map(Vec::from).unwrap_or_default()))
}
