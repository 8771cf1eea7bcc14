//! Fixed-width numbers in the text of events: 16 hexadecimal digits.

/// Number of digits.
pub(crate) const DIGITS: usize = 16;

/// Writes all digits of `number` into the first [`DIGITS`] bytes of `place`.
pub(crate) fn put(number: u64, place: &mut [u8]) {
    for (pair, byte) in place.chunks_exact_mut(2).zip(number.to_be_bytes()) {
        pair.copy_from_slice(&[digit(byte >> 4), digit(byte & 15)]);
    }
}

/// The number in the first [`DIGITS`] bytes of `bytes`; `None` if they are too few or contain anything else.
pub(crate) fn read(bytes: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(bytes.get(..DIGITS)?).ok()?;
    u64::from_str_radix(text, 16).ok()
}

fn digit(nibble: u8) -> u8 {
    if nibble < 10 { b'0' + nibble } else { b'a' - 10 + nibble }
}

#[cfg(test)]
mod tests {
    use super::{put, read};

    #[test]
    fn a_number_is_read_as_it_was_written() {
        for number in [0, 1, 0x9a, 0xdead_beef, u64::MAX] {
            let mut place = [b'x'; 18];
            put(number, &mut place[..16]);
            assert_eq!(read(&place), Some(number));
            assert_eq!(&place[16..], b"xx");
        }
        assert_eq!(read(b"00000000000000"), None);
        assert_eq!(read(b"000000000000000g"), None);
    }
}
