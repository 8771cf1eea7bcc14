use std::fmt;

use key_files::{NoRandomness, random};
use zeroize::Zeroizing;

/// The size of a key, in bytes.
const KEY_BYTES: usize = 32;

/// The bytes of a key or secret. They are overwritten when it is dropped, and `Debug` does not show them.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Secret(Zeroizing<[u8; KEY_BYTES]>);

/// A key of sealed events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct GroupKey {
    id: String,
    secret: Secret,
}

impl Secret {
    pub(crate) fn generate() -> Result<Self, NoRandomness> {
        random().map(Self)
    }

    /// Reads 64 hexadecimal digits; `None` for anything else.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (pairs, rest) = text.as_bytes().as_chunks::<2>();
        let mut bytes = Zeroizing::new([0; KEY_BYTES]);
        if pairs.len() != KEY_BYTES || !rest.is_empty() {
            return None;
        }
        for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
            *byte = digit(*high)? << 4 | digit(*low)?;
        }
        Some(Self(bytes))
    }

    /// The hexadecimal digits, for the file that keeps it.
    pub(crate) fn to_text(&self) -> Zeroizing<String> {
        // With room for all, so that no part stays where a shorter buffer was.
        let mut text = Zeroizing::new(String::with_capacity(2 * KEY_BYTES));
        push_hex(&*self.0, &mut text);
        text
    }

    pub(crate) fn bytes(&self) -> &[u8; KEY_BYTES] {
        &self.0
    }
}

/// Appends the bytes as hexadecimal digits.
pub(crate) fn push_hex(bytes: &[u8], out: &mut String) {
    for byte in bytes {
        for digit in [byte >> 4, byte & 0x0f] {
            out.extend(char::from_digit(u32::from(digit), 16));
        }
    }
}

fn digit(character: u8) -> Option<u8> {
    char::from(character).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

impl GroupKey {
    pub(crate) fn new(id: String, secret: Secret) -> Self {
        Self { id, secret }
    }

    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    pub(crate) fn secret(&self) -> &Secret {
        &self.secret
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}
