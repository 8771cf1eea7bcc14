use std::fmt;
use std::sync::Arc;

use pubsub_api::Result;
use pubsub_api::wire::SealedRef;

use crate::keyring::Keyring;
use crate::nonce_cipher::{Associated, Domain, PREFIX_BYTES, TAG_BYTES};
use crate::sealing_key::SealingKey;

/// Seals the packets of one sender, in the order in which they are sent: each has a number, by which its receivers notice repeats.
///
/// | bytes | |
/// |---|---|
/// | 1 | the length of the id of the key |
/// | up to 31 | the id |
/// | 16 | random bytes of the sender |
/// | 8 | the number of the packet, from 1, big-endian |
/// | any | what is encrypted |
/// | 16 | the tag, of all that and of the topic |
///
/// Two senders have the same random bytes with a probability of 2⁻⁶⁵ after 2³² starts under one key. So each process makes its own
/// sealer: one that is forked must not use that of its parent.
pub struct PacketSealer(pub(super) SealingKey);

impl PacketSealer {
    /// The most bytes that a sealed packet has beside its content.
    pub const OVERHEAD_BYTES: usize = 1 + SealedRef::MAX_KEY_ID_BYTES + PREFIX_BYTES + 8 + TAG_BYTES;

    /// Draws the random bytes.
    ///
    /// # Errors
    /// [`ErrorKind::Unavailable`](pubsub_api::ErrorKind::Unavailable) if the kernel has no random bytes.
    pub fn new(keyring: Arc<Keyring>) -> Result<Self> {
        SealingKey::new(keyring, Domain::Packets).map(Self)
    }

    /// Appends the sealed packet, with the key that the keyring marks now. It opens on this topic only.
    pub fn seal(&mut self, topic: &[u8], content: &[u8], out: &mut Vec<u8>) {
        self.0.use_current();
        let start = out.len();
        out.reserve(content.len() + Self::OVERHEAD_BYTES);
        // An id has at most 31 bytes.
        out.push(u8::try_from(self.0.id().len()).unwrap_or(u8::MAX));
        out.extend_from_slice(self.0.id().as_bytes());
        let number = self.0.put_nonce(out);
        let text = out.len();
        out.extend_from_slice(content);
        let parts = out.get_mut(start..).and_then(|packet| packet.split_at_mut_checked(text - start));
        if let Some((before, text)) = parts {
            let tag = self.0.cipher().seal(number.to_be_bytes(), Associated { topic, before }, text);
            out.extend_from_slice(&tag);
        }
    }
}

impl fmt::Debug for PacketSealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PacketSealer").field("key_id", &self.0.id()).finish_non_exhaustive()
    }
}
