use std::fmt;

use cryptoxide::poly1305::Poly1305;
use salsa20::cipher::consts::U10;
use salsa20::cipher::{Block, KeyIvInit, StreamCipherCore};
use salsa20::{SalsaCore, hsalsa};
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, Zeroizing};

use super::keys::{PublicKey, SecretKey};

/// The bytes by which a box is longer than its text.
pub(super) const TAG_BYTES: usize = 16;

/// The cipher of NaCl: 20 rounds, in pairs.
type Salsa20 = SalsaCore<U10>;

/// The part of the first block that is the key of the tag; the rest of it is for the text (NaCl, `crypto_secretbox`).
const TAG_KEY_BYTES: usize = 32;

/// The key of boxes between two keys, or of secret boxes. Overwritten when it is dropped.
#[derive(Clone)]
pub(super) struct BoxKey(Zeroizing<[u8; 32]>);

/// The key of boxes whose nonces have the first 16 bytes in common, as those of all messages of a side have: what is computed
/// from these is computed once. Overwritten when it is dropped.
pub(super) struct StreamKey(Zeroizing<[u8; 32]>);

impl BoxKey {
    /// The key of boxes between two keys (NaCl, `crypto_box_beforenm`); `None` if the public one is one of the few with
    /// which every secret key has the same.
    pub(super) fn between(secret: &SecretKey, public: &PublicKey) -> Option<Self> {
        let shared = secret.agree(public);
        shared.was_contributory().then(|| Self(derived(shared.as_bytes(), &[0; 16])))
    }

    /// The key of secret boxes.
    pub(super) fn new(bytes: Zeroizing<[u8; 32]>) -> Self {
        Self(bytes)
    }

    /// The key of the boxes whose nonces begin so.
    pub(super) fn stream(&self, nonce_begin: &[u8; 16]) -> StreamKey {
        StreamKey(derived(&self.0, nonce_begin))
    }

    /// A text in a box. A nonce must never be used again with the same key.
    pub(super) fn seal(&self, nonce: [u8; 24], text: &[u8]) -> Vec<u8> {
        let (begin, end) = halves(&nonce);
        let mut boxed = vec![0; TAG_BYTES];
        boxed.extend_from_slice(text);
        self.stream(begin).seal(*end, &mut boxed);
        boxed
    }

    /// The text in a box, `None` if it was not sealed with this key and nonce.
    pub(super) fn open(&self, nonce: [u8; 24], boxed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let (begin, end) = halves(&nonce);
        let (tag, text) = boxed.split_first_chunk::<TAG_BYTES>()?;
        let mut text = Zeroizing::new(text.to_vec());
        self.stream(begin).open(*end, tag, &mut text).then_some(text)
    }
}

impl StreamKey {
    /// Makes a box of the text that stands after room for its tag.
    pub(super) fn seal(&self, nonce: [u8; 8], room_and_text: &mut [u8]) {
        let Some((room, text)) = room_and_text.split_first_chunk_mut::<TAG_BYTES>() else { return };
        let (tag_key, begin, cipher) = self.begin(nonce);
        apply(&begin, cipher, text);
        *room = tag(&tag_key, text);
    }

    /// Opens a box in place: whether it was sealed with this key and nonce. If not, the text stays as it is.
    #[must_use]
    pub(super) fn open(&self, nonce: [u8; 8], tag_that_came: &[u8; TAG_BYTES], text: &mut [u8]) -> bool {
        let (tag_key, begin, cipher) = self.begin(nonce);
        let is_sealed: bool = tag(&tag_key, text).ct_eq(tag_that_came).into();
        if is_sealed {
            apply(&begin, cipher, text);
        }
        is_sealed
    }

    /// The key of the tag, what of the first block is for the text, and the cipher after that.
    #[inline]
    fn begin(&self, nonce: [u8; 8]) -> (Zeroizing<[u8; 32]>, Zeroizing<[u8; 32]>, Salsa20) {
        let mut cipher = Salsa20::new(&(*self.0).into(), &nonce.into());
        let mut first = Block::<Salsa20>::default();
        cipher.write_keystream_block(&mut first);
        let (mut tag_key, mut begin) =
            (Zeroizing::new([0; TAG_KEY_BYTES]), Zeroizing::new([0; TAG_KEY_BYTES]));
        let (for_tag, for_text) = first.split_at(TAG_KEY_BYTES);
        tag_key.copy_from_slice(for_tag);
        begin.copy_from_slice(for_text);
        first.as_mut_slice().zeroize();
        (tag_key, begin, cipher)
    }
}

/// Encrypts or decrypts a text.
#[inline]
fn apply(begin: &[u8; TAG_KEY_BYTES], cipher: Salsa20, text: &mut [u8]) {
    let (first, rest) = text.split_at_mut(text.len().min(TAG_KEY_BYTES));
    first.iter_mut().zip(begin).for_each(|(byte, key)| *byte ^= key);
    if !rest.is_empty() {
        cipher.apply_keystream_partial(rest.into());
    }
}

#[inline]
fn tag(key: &[u8; 32], sealed: &[u8]) -> [u8; TAG_BYTES] {
    let mut poly1305 = Poly1305::new(key);
    poly1305.update_mut(sealed);
    poly1305.finalize().0
}

fn derived(key: &[u8; 32], input: &[u8; 16]) -> Zeroizing<[u8; 32]> {
    Zeroizing::new(hsalsa::<U10>(&(*key).into(), &(*input).into()).into())
}

fn halves(nonce: &[u8; 24]) -> (&[u8; 16], &[u8; 8]) {
    let (begin, end) = nonce.split_at(16);
    // Both lengths are those of the array.
    (begin.first_chunk().unwrap_or(&[0; 16]), end.first_chunk().unwrap_or(&[0; 8]))
}

impl fmt::Debug for BoxKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BoxKey(…)")
    }
}

impl fmt::Debug for StreamKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StreamKey(…)")
    }
}
