use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};

use super::Reader;
use crate::{MAX_DEPTH, Malformed, is_one_value};

fn nested(levels: usize) -> Vec<u8> {
    std::iter::repeat_n(0x91, levels).chain([0xc0]).collect()
}

#[test]
fn every_wrong_value_is_refused_by_its_cause() {
    for (wanted, bytes) in [
        (Malformed::Truncated, vec![]),
        (Malformed::Truncated, vec![0xdb, 0xff, 0xff, 0xff, 0xff]),
        (Malformed::Truncated, vec![0xdd, 0xff, 0xff, 0xff, 0xff]),
        (Malformed::Truncated, vec![0xdf, 0xff, 0xff, 0xff, 0xff]),
        (Malformed::Truncated, vec![0xcf, 1, 2, 3]),
        (Malformed::NotMsgpack, vec![0x91, 0xc1]),
        (Malformed::NotUtf8, vec![0xa1, 0xff]),
        (Malformed::NotUtf8, vec![0x91, 0xa1, 0xff]),
        (Malformed::TooDeep, nested(100_000)),
    ] {
        assert_eq!(Reader::new(&bytes).skip(), Err(wanted), "{:02x?}", bytes.get(..20).unwrap_or(&bytes));
    }
}

#[test]
fn nesting_is_read_up_to_the_limit_and_not_beyond() {
    assert!(is_one_value(&nested(MAX_DEPTH)));
    assert_eq!(Reader::new(&nested(MAX_DEPTH + 1)).skip(), Err(Malformed::TooDeep));
}

#[test]
fn an_unsigned_number_of_any_width_is_read_and_no_other_value_is() {
    let mut reader = Reader::new(
        b"\x07\xcc\xff\xcd\x01\x00\xce\x00\x01\x00\x00\xcf\xff\xff\xff\xff\xff\xff\xff\xff\xff\xa1a",
    );
    let numbers: Vec<_> = (0..7).map(|_| reader.unsigned()).collect();
    let wanted = [Some(7), Some(255), Some(256), Some(65_536), Some(u64::MAX), None, None];
    assert_eq!(numbers, wanted.map(Ok));
    assert!(reader.is_at_end());
}

proptest! {
    #[test]
    fn a_skipped_value_is_what_another_reader_reads(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
        let mut rest = &bytes[..];
        let other = rmpv::decode::read_value(&mut rest);
        match Reader::new(&bytes).skip() {
            Ok(value) => {
                prop_assert!(other.is_ok(), "{other:?}");
                prop_assert_eq!(value.len(), bytes.len() - rest.len());
            }
            // The other reader accepts text that is not UTF-8, and reads the byte that msgpack never uses as nil.
            Err(Malformed::NotUtf8 | Malformed::NotMsgpack) => {}
            Err(cause) => prop_assert!(other.is_err(), "{cause:?}, but another reader reads {other:?}"),
        }
    }
}
