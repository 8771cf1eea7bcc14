//! A decoder as its owner drives it.

/// What a decoder found.
#[derive(Debug, PartialEq)]
pub(crate) struct Found<T, E> {
    pub(crate) items: Vec<T>,
    /// How many of all bytes were used up, or what ended the connection.
    pub(crate) end: Result<usize, E>,
}

/// Drives a decoder as its owner does: what is not used stays, and the next bytes follow it.
///
/// `next` is given where its bytes begin, and the bytes; it returns how many it used and the item, `None` if it wants more.
/// Asserts that nothing is used that is not there, that no item comes without use, and that never more than `kept_bytes`
/// wait for the next piece.
pub(crate) fn feed<'a, T, E>(
    bytes: &'a [u8],
    ends: &[usize],
    kept_bytes: usize,
    mut next: impl FnMut(usize, &'a [u8]) -> Result<(usize, Option<T>), E>,
) -> Found<T, E> {
    let (mut items, mut used) = (Vec::new(), 0);
    for end in ends {
        loop {
            let arrived = bytes.get(used..*end).unwrap_or_default();
            let (taken, item) = match next(used, arrived) {
                Ok(decoded) => decoded,
                Err(error) => return Found { items, end: Err(error) },
            };
            assert!(taken <= arrived.len(), "{taken} bytes are used of {}", arrived.len());
            used += taken;
            let Some(item) = item else { break };
            assert!(taken > 0, "an item comes of no bytes");
            items.push(item);
        }
        assert!(end - used <= kept_bytes, "{} bytes wait", end - used);
    }
    Found { items, end: Ok(used) }
}
