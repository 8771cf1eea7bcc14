use bytes::Bytes;
use msgpack::{Head, Reader};
use pubsub_api::{Error, ErrorKind, Result};

/// The map of an event as its author sent it: without the stamp, which the next publisher sets. All other bytes stay as they are,
/// the keys that Skimmer does not know, too.
///
/// A map whose head grew with the stamp, from 15 pairs to 16, keeps the longer form of the head.
///
/// # Errors
/// [`ErrorKind::Invalid`] if the payload is no map.
///
/// ```
/// use bytes::Bytes;
///
/// let stamped = Bytes::from_static(b"\x82\xa1a\x01\xa5stamp\x94\x01\x02\x03\x04");
/// assert_eq!(&recording::unstamped(&stamped)?[..], b"\x81\xa1a\x01");
/// # Ok::<(), pubsub_api::Error>(())
/// ```
pub fn unstamped(payload: &Bytes) -> Result<Bytes> {
    without(payload, b"stamp").ok_or_else(|| Error::new(ErrorKind::Invalid, "the event is no map of msgpack"))
}

fn without(payload: &Bytes, wanted: &[u8]) -> Option<Bytes> {
    let mut reader = Reader::new(payload);
    let Ok(Head::Map(pairs)) = reader.head() else { return None };
    let place = |reader: &Reader<'_>| payload.len().checked_sub(reader.left());
    let begin = place(&reader)?;
    for _ in 0..pairs {
        let start = place(&reader)?;
        let Ok(Head::Text(key)) = reader.head() else { return None };
        reader.skip().ok()?;
        if key == wanted {
            let mut rest = head(payload.get(..begin)?, pairs.checked_sub(1)?)?;
            rest.extend_from_slice(payload.get(begin..start)?);
            rest.extend_from_slice(payload.get(place(&reader)?..)?);
            return Some(rest.into());
        }
    }
    Some(payload.clone())
}

/// The head of a map of `pairs`, in the form of `old`.
fn head(old: &[u8], pairs: u64) -> Option<Vec<u8>> {
    let count = pairs.to_be_bytes();
    let width = old.len().checked_sub(1)?;
    match (old.first()?, width) {
        (_, 0) => Some(vec![0x80 | u8::try_from(pairs).ok()?]),
        (kind, width) => Some([&[*kind], count.get(count.len().checked_sub(width)?..)?].concat()),
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use pubsub_api::wire::append_pairs;

    use super::unstamped;

    const STAMP: &[u8] = b"\xa5stamp\x94\x01\x02\x03\x04";

    fn stamped(map: &[u8]) -> Bytes {
        let mut out = Vec::new();
        append_pairs(map, 1, STAMP, &mut out).unwrap();
        out.into()
    }

    #[test]
    fn every_form_of_a_map_gets_its_bytes_back() {
        let small = b"\x82\xa1a\x01\xa7unknown\xc4\x02\x00\xff".to_vec();
        let pairs = |count: u8| (0..count).flat_map(|n| [0xa1, n, 0xc0]).collect::<Vec<u8>>();
        let fifteen_long = [&b"\xde\x00\x0f"[..], &pairs(15)].concat();
        let many = [&b"\xde\x00\x28"[..], &pairs(40)].concat();
        let long = [&b"\xdf\x00\x00\x00\x02"[..], &pairs(2)].concat();
        for map in [small, fifteen_long, many, long] {
            assert_eq!(unstamped(&stamped(&map)).unwrap(), map);
            assert_eq!(unstamped(&Bytes::from(map.clone())).unwrap(), map, "without a stamp it is as it was");
        }
    }

    #[test]
    fn a_stamp_between_other_keys_is_taken_out_and_what_is_no_map_is_refused() {
        let between = [&b"\x83\xa1a\x01"[..], STAMP, b"\xa7version\x07"].concat();
        assert_eq!(&unstamped(&between.into()).unwrap()[..], b"\x82\xa1a\x01\xa7version\x07");
        assert!(unstamped(&Bytes::from_static(b"\x93\x01\x02\x03")).is_err());
        assert!(unstamped(&Bytes::from_static(b"\x82\xa1a")).is_err());
    }
}
