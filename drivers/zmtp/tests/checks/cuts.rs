//! The ways in which a socket may hand bytes over.

use std::fmt::Debug;

/// Asserts that however `bytes` come, `decode` finds what it finds when they come at once; returns that.
pub(crate) fn same_however_cut<F: PartialEq + Debug>(
    bytes: &[u8],
    seed: u8,
    mut decode: impl FnMut(&[usize]) -> F,
) -> F {
    let [at_once, others @ ..] = cuts(bytes.len(), seed);
    let found = decode(&at_once);
    for ends in others {
        assert_eq!(decode(&ends), found, "in pieces that end at {ends:?}, and at once");
    }
    found
}

/// Where the pieces end in which `length` bytes come: at once, one by one, and unevenly as `seed` has it.
fn cuts(length: usize, seed: u8) -> [Vec<usize>; 3] {
    let mut step = u32::from(seed) + 1;
    let uneven = std::iter::successors(Some(0_usize), |end| {
        // The generator of C's standard (7.24.2.2): any uneven steps do, and the same seed must give the same.
        step = step.wrapping_mul(1_103_515_245).wrapping_add(12_345);
        let piece = if step & 0x1_0000 == 0 { step >> 28 } else { step >> 23 };
        (*end < length).then(|| length.min(end + 1 + piece as usize))
    });
    [vec![length], (1..=length).collect(), uneven.skip(1).collect()]
}
