use crate::Malformed;

/// A packed map that gets more pairs at its end: a new head, and the existing pairs, borrowed.
///
/// Only the head is checked; a valid map stays valid if the new pairs are valid. [`append_pairs`] writes the three
/// parts at once; a caller that writes them itself gets the size from [`bytes_with`](GrownMap::bytes_with).
///
/// ```
/// use msgpack::GrownMap;
///
/// let map = GrownMap::new(b"\x81\xa1a\x01", 1).expect("a map of one pair");
/// assert_eq!((map.head(), map.pairs()), (&b"\x82"[..], &b"\xa1a\x01"[..]));
/// assert_eq!(map.bytes_with(3), 7);
/// ```
#[derive(Debug, Clone, Copy)]
pub struct GrownMap<'a> {
    head: [u8; 5],
    head_bytes: u8,
    pairs: &'a [u8],
}

/// The maximum number of pairs of a fixmap (msgpack specification, "map format family").
const MAX_FIXMAP_PAIRS: u32 = 15;

const MAP16: u8 = 0xde;
const MAP32: u8 = 0xdf;

impl<'a> GrownMap<'a> {
    /// Reads the map `payload`, to which the caller adds `more` pairs. The head has the form that the count requires,
    /// fixmap, map16 or map32, but none that is smaller than its author's.
    ///
    /// # Errors
    /// [`Malformed::NotAMap`], [`Malformed::Truncated`] if the bytes end in the head, [`Malformed::TooManyPairs`] if the
    /// count exceeds 32 bits.
    #[inline]
    pub fn new(payload: &'a [u8], more: u32) -> Result<Self, Malformed> {
        let (least_bytes, before, pairs) = match payload {
            [fixmap @ 0x80..=0x8f, pairs @ ..] => (1, u32::from(fixmap & 0x0f), pairs),
            [MAP16, a, b, pairs @ ..] => (3, u32::from(u16::from_be_bytes([*a, *b])), pairs),
            [MAP32, a, b, c, d, pairs @ ..] => (5, u32::from_be_bytes([*a, *b, *c, *d]), pairs),
            [] | [MAP16 | MAP32, ..] => return Err(Malformed::Truncated),
            _ => return Err(Malformed::NotAMap),
        };
        let count = before.checked_add(more).ok_or(Malformed::TooManyPairs)?;
        let [a, b, c, d] = count.to_be_bytes();
        let (head, head_bytes) = match least_bytes {
            1 if count <= MAX_FIXMAP_PAIRS => ([0x80 | d, 0, 0, 0, 0], 1),
            1 | 3 if count <= u32::from(u16::MAX) => ([MAP16, c, d, 0, 0], 3),
            _ => ([MAP32, a, b, c, d], 5),
        };
        Ok(Self { head, head_bytes, pairs })
    }

    /// Returns the head, which counts the new pairs, too.
    #[must_use]
    #[inline]
    pub fn head(&self) -> &[u8] {
        self.head.get(..usize::from(self.head_bytes)).unwrap_or_default()
    }

    /// Returns the packed pairs that the map already has; the new ones follow them.
    #[must_use]
    #[inline]
    pub fn pairs(&self) -> &'a [u8] {
        self.pairs
    }

    /// Returns the size of the whole map in bytes if the new pairs have `encoded_bytes`.
    ///
    /// A caller compares it with its limit before it writes anything.
    #[must_use]
    #[inline]
    pub fn bytes_with(&self, encoded_bytes: usize) -> usize {
        usize::from(self.head_bytes) + self.pairs.len() + encoded_bytes
    }
}

/// Writes the map `payload` to `out`, with `more` pairs at its end, which `encoded` contains in packed form. Writes
/// nothing on an error.
///
/// ```
/// use msgpack::append_pairs;
///
/// let mut out = Vec::new();
/// append_pairs(b"\x81\xa1a\x01", 1, b"\xa1b\x02", &mut out).expect("a map of one pair");
/// assert_eq!(out, b"\x82\xa1a\x01\xa1b\x02");
/// ```
///
/// What `out` contained stays before the map. The caller vouches for `encoded`: exactly `more` packed pairs, with keys
/// that the map does not have. Neither is checked.
///
/// # Errors
/// As [`GrownMap::new`].
pub fn append_pairs(payload: &[u8], more: u32, encoded: &[u8], out: &mut Vec<u8>) -> Result<(), Malformed> {
    let map = GrownMap::new(payload, more)?;
    out.reserve(map.bytes_with(encoded.len()));
    for part in [map.head(), map.pairs(), encoded] {
        out.extend_from_slice(part);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{GrownMap, append_pairs};
    use crate::{Malformed, is_one_value};

    fn head(form: u8, count: u32) -> Vec<u8> {
        let [a, b, c, d] = count.to_be_bytes();
        match form {
            1 => vec![0x80 | d],
            3 => vec![0xde, c, d],
            _ => vec![0xdf, a, b, c, d],
        }
    }

    /// Returns a map of `count` pairs, with a head of `form` bytes.
    fn map(form: u8, count: u32) -> Vec<u8> {
        [head(form, count), (0..count).flat_map(pair).collect()].concat()
    }

    fn pair(number: u32) -> Vec<u8> {
        let mut pair = Vec::new();
        rmp::encode::write_str(&mut pair, &format!("x{number}")).unwrap();
        pair.push(0xc0);
        pair
    }

    #[test]
    fn the_head_takes_the_form_that_the_count_demands_and_none_smaller_than_its_authors() {
        for (form, before, more, wanted) in [
            (1, 5, 1, 1),
            (1, 14, 1, 1),
            (1, 15, 1, 3),
            (1, 14, 2, 3),
            (3, 5, 1, 3),
            (3, 16, 2, 3),
            (3, 65_534, 1, 3),
            (3, 65_535, 1, 5),
            (5, 5, 1, 5),
            (5, 65_535, 2, 5),
            (1, 5, 0, 1),
        ] {
            let encoded: Vec<u8> = (before..before + more).flat_map(pair).collect();
            let mut out = b"before".to_vec();
            append_pairs(&map(form, before), more, &encoded, &mut out).unwrap();
            let out = out.strip_prefix(b"before").unwrap();
            assert_eq!(out, map(wanted, before + more), "{before} + {more} under {form} bytes");
            assert_eq!(GrownMap::new(&map(form, before), more).unwrap().bytes_with(encoded.len()), out.len());
            assert!(is_one_value(out));
            let read = rmpv::decode::read_value(&mut &*out).unwrap();
            assert_eq!(read.as_map().unwrap().len(), (before + more) as usize);
        }
    }

    #[test]
    fn an_empty_map_of_any_form_takes_pairs() {
        for (form, empty) in [(1, vec![0x80]), (3, vec![0xde, 0, 0]), (5, vec![0xdf, 0, 0, 0, 0])] {
            let mut out = Vec::new();
            append_pairs(&empty, 1, &pair(1), &mut out).unwrap();
            assert_eq!(out, [head(form, 1), pair(1)].concat());
        }
    }

    #[test]
    fn what_is_no_map_and_a_count_beyond_32_bits_are_refused_and_nothing_is_written() {
        for (wanted, payload) in [
            (Malformed::Truncated, &[][..]),
            (Malformed::Truncated, &[0xde, 0]),
            (Malformed::Truncated, &[0xdf, 0, 0, 0]),
            (Malformed::NotAMap, &[0xc0]),
            (Malformed::NotAMap, &[0x95, 1, 2, 3, 4, 5]),
            (Malformed::TooManyPairs, &[0xdf, 0xff, 0xff, 0xff, 0xff]),
        ] {
            let mut out = Vec::new();
            assert_eq!(append_pairs(payload, 1, &pair(1), &mut out), Err(wanted), "{payload:02x?}");
            assert!(out.is_empty());
        }
    }
}
