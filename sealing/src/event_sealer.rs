use std::fmt;
use std::sync::Arc;

use pubsub_api::wire::{SealedRef, WireError};
use pubsub_api::{Error, ErrorKind, Result};

use crate::keyring::Keyring;
use crate::nonce_cipher::{Associated, Domain, TAG_BYTES};
use crate::row_tags::RowTags;
use crate::seal_plan::SealPlan;
use crate::sealing_key::SealingKey;
use crate::settings::SealedParts;

/// Seals the events of one publisher.
///
/// A nonce is 16 random bytes, drawn when the sealer is made, and a counter of 8 bytes: it costs no system call, and no two events of a
/// sealer have the same one. Two sealers have the same random bytes with a probability of 2⁻⁶⁵ after 2³² starts under one key. So
/// each process makes its own: one that is forked must not use that of its parent.
pub struct EventSealer {
    key: SealingKey,
    parts: SealedParts,
    tags: Option<RowTags>,
}

/// The key of the pair, the array, and after the id of the key the head of the nonce.
const PAIR: &[u8] = b"\xa6sealed\x93";
const NONCE_HEAD: &[u8] = b"\xc4\x18";
const NONCE_BYTES: usize = 24;

impl EventSealer {
    /// Draws the random bytes of its nonces.
    ///
    /// # Errors
    /// [`ErrorKind::Unavailable`] if the kernel has no random bytes; [`ErrorKind::Settings`] if the keyring lacks the secret of row
    /// tags and rows are sealed.
    pub fn new(keyring: Arc<Keyring>, parts: SealedParts) -> Result<Self> {
        let tags = keyring.keys().rows().map(|secret| RowTags::new(secret.clone()));
        if parts == SealedParts::Row && tags.is_none() {
            let text =
                format!("{}: sealing.events = \"row\" needs a line `rows SECRET`", keyring.path().display());
            return Err(Error::new(ErrorKind::Settings, text));
        }
        Ok(Self { key: SealingKey::new(keyring, Domain::Events)?, parts, tags })
    }

    /// Its keyring, which the caller [refreshes](Keyring::refresh).
    #[must_use]
    pub fn keyring(&self) -> Arc<Keyring> {
        self.key.keyring()
    }

    /// The parts that it seals.
    #[must_use]
    pub fn parts(&self) -> SealedParts {
        self.parts
    }

    /// Seals with the keys that the keyring has now. Call it between two events, for each batch.
    pub fn use_current_key(&mut self) {
        self.key.use_current();
    }

    /// As [`SealPlan::of`].
    ///
    /// # Errors
    /// As [`SealPlan::of`].
    #[inline]
    pub fn plan<'a>(&self, map: &'a [u8]) -> std::result::Result<SealPlan<'a>, WireError> {
        SealPlan::of(map, self.parts)
    }

    /// The size of the sealed map, in bytes, with a stamp of `stamp_bytes`.
    #[must_use]
    pub fn bytes(&self, plan: &SealPlan<'_>, stamp_bytes: usize) -> usize {
        sealed_bytes(plan, stamp_bytes, self.key.id().len())
    }

    /// The largest size of the sealed map, whatever the key.
    #[must_use]
    pub fn most_bytes(plan: &SealPlan<'_>, stamp_bytes: usize) -> usize {
        sealed_bytes(plan, stamp_bytes, SealedRef::MAX_KEY_ID_BYTES)
    }

    /// Appends the sealed map. `put_stamp` appends the pair `stamp`. The encrypted bytes are the last ones of the map, and everything
    /// before them is authenticated, with the topic frame.
    pub fn put(
        &mut self,
        plan: &SealPlan<'_>,
        topic: &[u8],
        put_stamp: impl FnOnce(&mut Vec<u8>),
        out: &mut Vec<u8>,
    ) {
        let start = out.len();
        plan.put_before(self.tags.as_ref(), out);
        put_stamp(out);
        let counter = self.put_nonce(out);
        put_binary_head(plan.text_bytes() + TAG_BYTES, out);
        let text = out.len();
        plan.put_text(out);
        let Some((map, text)) = out.get_mut(start..).and_then(|map| map.split_at_mut_checked(text - start))
        else {
            return;
        };
        let tag = self.key.cipher().seal(counter.to_be_bytes(), Associated { topic, before: map }, text);
        out.extend_from_slice(&tag);
    }

    /// Appends the pair `sealed` up to the nonce. Returns the counter in it.
    fn put_nonce(&mut self, out: &mut Vec<u8>) -> u64 {
        out.extend_from_slice(PAIR);
        out.push(0xa0 | u8::try_from(self.key.id().len()).unwrap_or(0));
        out.extend_from_slice(self.key.id().as_bytes());
        out.extend_from_slice(NONCE_HEAD);
        self.key.put_nonce(out)
    }
}

fn sealed_bytes(plan: &SealPlan<'_>, stamp_bytes: usize, key_id_bytes: usize) -> usize {
    let text = plan.text_bytes() + TAG_BYTES;
    let pair =
        PAIR.len() + 1 + key_id_bytes + NONCE_HEAD.len() + NONCE_BYTES + binary_head_bytes(text) + text;
    plan.bytes_before() + stamp_bytes + pair
}

fn binary_head_bytes(length: usize) -> usize {
    match length {
        0..=0xff => 2,
        0x100..=0xffff => 3,
        _ => 5,
    }
}

/// Appends the head of binary data in its shortest form.
fn put_binary_head(length: usize, out: &mut Vec<u8>) {
    let [a, b, c, d] = u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes();
    match binary_head_bytes(length) {
        2 => out.extend_from_slice(&[0xc4, d]),
        3 => out.extend_from_slice(&[0xc5, c, d]),
        _ => out.extend_from_slice(&[0xc6, a, b, c, d]),
    }
}

impl fmt::Debug for EventSealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventSealer")
            .field("parts", &self.parts)
            .field("key_id", &self.key.id())
            .finish_non_exhaustive()
    }
}
