use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use msgpack::Reader;
use pubsub_api::wire::{EventRef, GrownMap, SealedRef};

use crate::keyring::{Keyring, Keys};
use crate::map_parts::MapParts;
use crate::nonce_cipher::{Associated, Domain, NonceCipher, PREFIX_BYTES, TAG_BYTES};
use crate::not_opened::NotOpened;
use crate::settings::AcceptedEvents;

/// Opens the events that a subscriber receives.
pub struct EventOpener {
    keyring: Arc<Keyring>,
    accept: AcceptedEvents,
    /// The number of changes of the keyring that the fields below include.
    changes: u64,
    keys: Arc<Keys>,
    /// Of the last event: those of one publisher have the same as a rule.
    last: Option<LastCipher>,
    /// The text of the last event; kept for its memory.
    text: Vec<u8>,
}

struct LastCipher {
    key_id: String,
    prefix: [u8; PREFIX_BYTES],
    cipher: NonceCipher,
}

impl EventOpener {
    /// With the keys of this keyring.
    #[must_use]
    pub fn new(keyring: Arc<Keyring>, accept: AcceptedEvents) -> Self {
        let (changes, keys) = (keyring.changes(), keyring.keys());
        Self { keyring, accept, changes, keys, last: None, text: Vec::new() }
    }

    /// Its keyring, which the caller [refreshes](Keyring::refresh).
    #[must_use]
    pub fn keyring(&self) -> Arc<Keyring> {
        Arc::clone(&self.keyring)
    }

    /// How often the keys of its keyring have changed.
    #[must_use]
    pub fn key_changes(&self) -> u64 {
        self.keyring.changes()
    }

    /// Opens an event; `sealed` is what [`EventRef::read`] found in it. Returns the map that a publisher without sealing would have
    /// sent; `None` if the event is not sealed, and accepted as it is.
    ///
    /// # Errors
    /// Why the event must be dropped.
    #[inline]
    pub fn open(
        &mut self,
        topic: &[u8],
        payload: &[u8],
        sealed: Option<SealedRef<'_>>,
    ) -> Result<Option<Bytes>, NotOpened> {
        match (sealed, self.accept) {
            (Some(sealed), _) => self.open_sealed(topic, payload, sealed).map(Some),
            (None, AcceptedEvents::Any) => Ok(None),
            (None, AcceptedEvents::Sealed) => Err(NotOpened::NotSealed),
        }
    }

    fn open_sealed(
        &mut self,
        topic: &[u8],
        payload: &[u8],
        sealed: SealedRef<'_>,
    ) -> Result<Bytes, NotOpened> {
        self.use_current_keys();
        let SealedRef { key_id, nonce, text } = sealed;
        let (prefix, rest) = nonce.split_first_chunk().ok_or(NotOpened::NotAuthentic)?;
        let rest = rest.first_chunk().ok_or(NotOpened::NotAuthentic)?;
        self.choose_cipher(key_id, prefix)?;
        // The encrypted bytes are the last ones: what is before them is authenticated, and nothing may follow.
        let map = payload.strip_suffix(text).ok_or(NotOpened::NotAuthentic)?;
        let (text, tag) = text.split_last_chunk::<TAG_BYTES>().ok_or(NotOpened::NotAuthentic)?;
        self.text.clear();
        self.text.extend_from_slice(text);
        let Some(LastCipher { cipher, .. }) = &self.last else { return Err(NotOpened::NotAuthentic) };
        if !cipher.open(*rest, Associated { topic, before: map }, tag, &mut self.text) {
            return Err(NotOpened::NotAuthentic);
        }
        let opened = restored(payload, &self.text).ok_or(NotOpened::NotAuthentic)?;
        match EventRef::read(topic, &opened) {
            Ok(event) if event.sealed.is_none() => Ok(Bytes::from(opened)),
            // Of a publisher that has the key, and seals what is no event.
            _ => Err(NotOpened::NotAuthentic),
        }
    }

    fn use_current_keys(&mut self) {
        let changes = self.keyring.changes();
        if changes != self.changes {
            (self.changes, self.keys, self.last) = (changes, self.keyring.keys(), None);
        }
    }

    fn choose_cipher(&mut self, key_id: &str, prefix: &[u8; PREFIX_BYTES]) -> Result<(), NotOpened> {
        let is_it = |last: &LastCipher| last.key_id == key_id && last.prefix == *prefix;
        if self.last.as_ref().is_some_and(is_it) {
            return Ok(());
        }
        let key = self.keys.get(key_id).ok_or_else(|| NotOpened::UnknownKey(key_id.to_owned()))?;
        let cipher = NonceCipher::new(key.secret(), prefix, Domain::Events);
        self.last = Some(LastCipher { key_id: key_id.to_owned(), prefix: *prefix, cipher });
        Ok(())
    }
}

/// The map as it is without sealing; `None` if the text is not what a sealer encrypts.
fn restored(payload: &[u8], text: &[u8]) -> Option<Vec<u8>> {
    let plain = GrownMap::new(text, 0).ok()?;
    let mut reader = Reader::new(plain.pairs());
    let value = reader.skip().ok()?;
    let row = match reader.is_at_end() {
        true => None,
        false => Some((reader.skip().ok()?, reader.skip().ok()?)),
    };
    let found = MapParts::find(payload).ok()?;
    let end = found.sealed.as_ref()?.start;
    let mut parts = [
        (found.value.clone(), value),
        row.map_or((0..0, &[][..]), |(table, _)| (found.table.range.clone(), table)),
        row.map_or((0..0, &[][..]), |(_, key)| (found.key.range.clone(), key)),
    ];
    parts.sort_unstable_by_key(|(range, _)| range.start);
    let mut from = payload.len() - GrownMap::new(payload, 0).ok()?.pairs().len();
    let mut out = Vec::with_capacity(payload.len() + text.len());
    out.extend_from_slice(plain.head());
    for (range, part) in parts.into_iter().filter(|(range, _)| range.end > 0) {
        out.extend_from_slice(payload.get(from..range.start)?);
        out.extend_from_slice(part);
        from = range.end;
    }
    out.extend_from_slice(payload.get(from..end)?);
    reader.is_at_end().then_some(out)
}

impl fmt::Debug for EventOpener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventOpener").field("accept", &self.accept).finish_non_exhaustive()
    }
}
