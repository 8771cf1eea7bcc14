use msgpack::{Head, Reader, utf8};

use super::WireError;

/// What stands under the key `sealed` of an event whose value is encrypted: an array of the key's id (text), the nonce and the
/// encrypted bytes. The crate `sealing` makes and opens it; the value of the map is nil then.
///
/// ```
/// use events::wire::EventRef;
///
/// let nonce = [7; 24];
/// let begin = b"\x86\xa5table\xa5lport\xa3key\xa2p1\xa6action\xa3set\xa5value\xc0\xa5topic\xa1D";
/// let payload = [&begin[..], b"\xa6sealed\x93\xa22a\xc4\x18", &nonce, b"\xc4\x03abc"].concat();
/// let sealed = EventRef::read(b"D", &payload)?.sealed.expect("it is sealed");
/// assert_eq!((sealed.key_id, sealed.nonce, sealed.text), ("2a", &nonce, &b"abc"[..]));
/// # Ok::<(), events::wire::WireError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SealedRef<'a> {
    /// The id of the key, at most [`MAX_KEY_ID_BYTES`](Self::MAX_KEY_ID_BYTES).
    pub key_id: &'a str,
    /// The nonce.
    pub nonce: &'a [u8; 24],
    /// The encrypted bytes, with their tag.
    pub text: &'a [u8],
}

impl<'a> SealedRef<'a> {
    /// The longest id of a key, in bytes.
    pub const MAX_KEY_ID_BYTES: usize = 31;

    /// The key in the map.
    pub const KEY: &'static str = "sealed";

    pub(super) fn read(reader: &mut Reader<'a>) -> Result<Self, WireError> {
        if reader.head()? != Head::Array(3) {
            return Err(WireError::WrongType);
        }
        let Head::Text(key_id) = reader.head()? else { return Err(WireError::WrongType) };
        let (Head::Binary(nonce), Head::Binary(text)) = (reader.head()?, reader.head()?) else {
            return Err(WireError::WrongType);
        };
        let nonce = nonce.try_into().map_err(|_| WireError::WrongType)?;
        if key_id.len() > Self::MAX_KEY_ID_BYTES {
            return Err(WireError::WrongType);
        }
        Ok(Self { key_id: utf8(key_id)?, nonce, text })
    }
}
