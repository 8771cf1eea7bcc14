//! Numbers under keys of our own, after the five of every event map.

/// The unsigned number under `key` of a map that was checked; `None` if it has none. The key may stand anywhere in the map,
/// and its number may be packed in any width.
pub(crate) fn map_number(payload: &[u8], key: &[u8]) -> Option<u64> {
    let (mut pairs, mut rest) = map_head(payload)?;
    while pairs > 0 {
        let value = after(rest)?;
        if text(rest, value) == key {
            return unsigned(value);
        }
        rest = after(value)?;
        pairs -= 1;
    }
    None
}

fn map_head(bytes: &[u8]) -> Option<(u32, &[u8])> {
    match bytes {
        [fixmap @ 0x80..=0x8f, rest @ ..] => Some((u32::from(fixmap & 0x0f), rest)),
        [0xde, a, b, rest @ ..] => Some((u32::from(u16::from_be_bytes([*a, *b])), rest)),
        [0xdf, a, b, c, d, rest @ ..] => Some((u32::from_be_bytes([*a, *b, *c, *d]), rest)),
        _ => None,
    }
}

/// The text at the start of `bytes`, a value that ends where `rest` begins; empty for a text that is longer than a fixstr.
fn text<'a>(bytes: &'a [u8], rest: &[u8]) -> &'a [u8] {
    match bytes.get(..bytes.len() - rest.len()) {
        Some([0xa0..=0xbf, text @ ..]) => text,
        _ => b"",
    }
}

fn unsigned(bytes: &[u8]) -> Option<u64> {
    let (marker, rest) = bytes.split_first()?;
    let width = match marker {
        0x00..=0x7f => return Some(u64::from(*marker)),
        0xcc => 1,
        0xcd => 2,
        0xce => 4,
        0xcf => 8,
        _ => return None,
    };
    Some(big_endian(rest.get(..width)?))
}

fn big_endian(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte))
}

/// What follows the value at the start of `bytes`, without recursion.
fn after(mut bytes: &[u8]) -> Option<&[u8]> {
    let mut values = 1_u64;
    while values > 0 {
        let (marker, rest) = bytes.split_first()?;
        let sized = |width: usize| rest.get(..width).map(big_endian);
        // The number of its bytes after the marker, and of the values in it.
        let (length, held) = match marker {
            0x00..=0x7f | 0xe0..=0xff | 0xc0..=0xc3 => (0, 0),
            0x80..=0x8f => (0, 2 * u64::from(marker & 0x0f)),
            0x90..=0x9f => (0, u64::from(marker & 0x0f)),
            0xa0..=0xbf => (u64::from(marker & 0x1f), 0),
            0xc4 | 0xd9 => (1 + sized(1)?, 0),
            0xc5 | 0xda => (2 + sized(2)?, 0),
            0xc6 | 0xdb => (4 + sized(4)?, 0),
            0xc7 => (2 + sized(1)?, 0),
            0xc8 => (3 + sized(2)?, 0),
            0xc9 => (5 + sized(4)?, 0),
            0xcc | 0xd0 => (1, 0),
            0xcd | 0xd1 | 0xd4 => (2, 0),
            0xd5 => (3, 0),
            0xca | 0xce | 0xd2 => (4, 0),
            0xd6 => (5, 0),
            0xcb | 0xcf | 0xd3 => (8, 0),
            0xd7 => (9, 0),
            0xd8 => (17, 0),
            0xdc => (2, sized(2)?),
            0xdd => (4, sized(4)?),
            0xde => (2, 2 * sized(2)?),
            0xdf => (4, 2 * sized(4)?),
        };
        bytes = rest.get(usize::try_from(length).ok()?..)?;
        values = values - 1 + held;
    }
    Some(bytes)
}
