use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use crate::keyring::{Keyring, Keys};
use crate::nonce_cipher::{Associated, Domain, NonceCipher, PREFIX_BYTES, TAG_BYTES};
use crate::packets::PacketRefusal;
use crate::packets::replay_window::ReplayWindow;

/// Opens the packets that a process receives, each once.
///
/// It remembers, for each sender, which of its latest 2,000 packets have come; older ones are refused. Of more than
/// [`MAX_SENDERS`](Self::MAX_SENDERS) senders, the one that was silent for the longest time is forgotten. A forged packet changes
/// nothing of that.
pub struct PacketOpener {
    keyring: Arc<Keyring>,
    /// The number of changes of the keyring that the fields below include.
    changes: u64,
    keys: Arc<Keys>,
    senders: HashMap<[u8; PREFIX_BYTES], Sender>,
    /// The number of packets that were opened.
    opened: u64,
    /// The content of the last packet; kept for its memory.
    text: Vec<u8>,
}

/// What is remembered of a sender.
struct Sender {
    window: ReplayWindow,
    /// The value of [`PacketOpener::opened`] at its last packet.
    last: u64,
    /// The id of the key of its last packet; none after a change of the keyring.
    cipher: Option<(String, NonceCipher)>,
}

/// A sealed packet.
struct Parts<'a> {
    key_id: &'a str,
    prefix: &'a [u8; PREFIX_BYTES],
    number: [u8; 8],
    before: &'a [u8],
    text: &'a [u8],
    tag: &'a [u8; TAG_BYTES],
}

impl PacketOpener {
    /// The number of senders that are remembered, each with about 350 bytes.
    pub const MAX_SENDERS: usize = 16_384;

    /// With the keys of this keyring.
    #[must_use]
    pub fn new(keyring: Arc<Keyring>) -> Self {
        let (changes, keys) = (keyring.changes(), keyring.keys());
        Self { keyring, changes, keys, senders: HashMap::new(), opened: 0, text: Vec::new() }
    }

    /// Its keyring, which the caller [refreshes](Keyring::refresh).
    #[must_use]
    pub fn keyring(&self) -> Arc<Keyring> {
        Arc::clone(&self.keyring)
    }

    /// Opens a packet that came on a topic. Returns its content.
    ///
    /// # Errors
    /// Why the packet must be dropped.
    pub fn open(&mut self, topic: &[u8], packet: &[u8]) -> Result<&[u8], PacketRefusal> {
        self.use_current_keys();
        let parts = Parts::of(packet).ok_or(PacketRefusal::NotAuthentic)?;
        let known = self.senders.get(parts.prefix).and_then(|sender| sender.cipher.as_ref());
        let mut made = None;
        let cipher = match known {
            Some((id, cipher)) if id == parts.key_id => cipher,
            _ => {
                let id = || parts.key_id.to_owned();
                let key = self.keys.get(parts.key_id).ok_or_else(|| PacketRefusal::UnknownKey(id()))?;
                let cipher = NonceCipher::new(key.secret(), parts.prefix, Domain::Packets);
                &made.insert((id(), cipher)).1
            }
        };
        self.text.clear();
        self.text.extend_from_slice(parts.text);
        let associated = Associated { topic, before: parts.before };
        if !cipher.open(parts.number, associated, parts.tag, &mut self.text) {
            return Err(PacketRefusal::NotAuthentic);
        }
        match self.note(&parts, made) {
            true => Ok(&self.text),
            false => Err(PacketRefusal::Repeated),
        }
    }

    /// Notes an authentic packet, and the cipher if it was made for it. Returns whether it is the first time.
    fn note(&mut self, parts: &Parts<'_>, made: Option<(String, NonceCipher)>) -> bool {
        self.opened += 1;
        let (last, number) = (self.opened, u64::from_be_bytes(parts.number));
        if let Some(sender) = self.senders.get_mut(parts.prefix) {
            sender.last = last;
            sender.cipher = made.or_else(|| sender.cipher.take());
            return sender.window.accept(number);
        }
        if self.senders.len() >= Self::MAX_SENDERS {
            let silent = self.senders.iter().min_by_key(|(_, sender)| sender.last);
            if let Some(prefix) = silent.map(|(prefix, _)| *prefix) {
                self.senders.remove(&prefix);
            }
        }
        let sender = Sender { window: ReplayWindow::new(number), last, cipher: made };
        self.senders.insert(*parts.prefix, sender);
        true
    }

    #[cfg(test)]
    pub(super) fn senders_remembered(&self) -> usize {
        self.senders.len()
    }

    fn use_current_keys(&mut self) {
        let changes = self.keyring.changes();
        if changes != self.changes {
            (self.changes, self.keys) = (changes, self.keyring.keys());
            self.senders.values_mut().for_each(|sender| sender.cipher = None);
        }
    }
}

impl<'a> Parts<'a> {
    fn of(packet: &'a [u8]) -> Option<Self> {
        let (length, rest) = packet.split_first()?;
        let (key_id, rest) = rest.split_at_checked(usize::from(*length))?;
        let (prefix, rest) = rest.split_first_chunk()?;
        let (number, rest) = rest.split_first_chunk()?;
        let before = packet.get(..packet.len() - rest.len())?;
        let (text, tag) = rest.split_last_chunk()?;
        let key_id = std::str::from_utf8(key_id).ok()?;
        Some(Self { key_id, prefix, number: *number, before, text, tag })
    }
}

impl fmt::Debug for PacketOpener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PacketOpener").field("senders", &self.senders.len()).finish_non_exhaustive()
    }
}
