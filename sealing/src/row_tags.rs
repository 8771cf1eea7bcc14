use cryptoxide::hashing::blake2s::Blake2s;

use crate::keyring::{Secret, push_hex};

/// The packed name of the table that stands outside of a sealed row.
pub(crate) const TABLE: &[u8] = b"\xa6sealed";

/// The head of a packed tag: 32 characters.
const TAG_HEAD: [u8; 3] = [0xda, 0, 32];

/// The size of a packed tag, in bytes.
pub(crate) const TAG_BYTES: usize = TAG_HEAD.len() + 32;

/// Makes the tags of rows: what stands outside in the place of the key, so that what keeps the latest event of each row needs no key.
/// A tag is 128 bits of keyed BLAKE2s (RFC 7693) of table and key.
#[derive(Debug)]
pub(crate) struct RowTags(Secret);

impl RowTags {
    pub(crate) fn new(secret: Secret) -> Self {
        Self(secret)
    }

    /// Appends the packed tag of a row.
    pub(crate) fn put(&self, table: &[u8], key: &[u8], out: &mut Vec<u8>) {
        let length = u64::try_from(table.len()).unwrap_or(u64::MAX);
        let mut hash = Blake2s::<256>::new_keyed(self.0.bytes());
        hash.update_mut(&length.to_be_bytes());
        hash.update_mut(table);
        hash.update_mut(key);
        let digest: [u8; 32] = hash.finalize();
        let mut text = String::with_capacity(TAG_BYTES);
        push_hex(digest.first_chunk::<16>().unwrap_or(&[0; 16]), &mut text);
        out.extend_from_slice(&TAG_HEAD);
        out.extend_from_slice(text.as_bytes());
    }
}
