/// The number of slots in a cluster (Redis cluster specification, "Key distribution model").
pub(super) const SLOTS: u16 = 16_384;

/// The slot of every key with this hash tag: CRC16 (XMODEM: polynomial 0x1021, from 0) modulo [`SLOTS`].
pub(crate) fn slot_of(tag: &str) -> u16 {
    tag.bytes().fold(0, crc16) % SLOTS
}

fn crc16(crc: u16, byte: u8) -> u16 {
    (0..8).fold(crc ^ (u16::from(byte) << 8), |crc, _| {
        let shifted = crc << 1;
        if crc & 0x8000 == 0 { shifted } else { shifted ^ 0x1021 }
    })
}

#[cfg(test)]
mod tests {
    use super::{crc16, slot_of};

    #[test]
    fn slots_are_those_of_the_specification() {
        assert_eq!("123456789".bytes().fold(0, crc16), 0x31c3, "the check value of CRC-16/XMODEM");
        assert_eq!((slot_of("foo"), slot_of("bar")), (12_182, 5_061));
    }
}
