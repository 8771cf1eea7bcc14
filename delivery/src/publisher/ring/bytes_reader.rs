/// Reads little-endian integers and byte strings from the front; returns `None` if too few bytes are left.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BytesReader<'a>(&'a [u8]);

impl<'a> BytesReader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(crate) fn is_at_end(self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn left(self) -> usize {
        self.0.len()
    }

    pub(crate) fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn array<const WIDTH: usize>(&mut self) -> Option<[u8; WIDTH]> {
        let (taken, rest) = self.0.split_first_chunk::<WIDTH>()?;
        self.0 = rest;
        Some(*taken)
    }

    pub(crate) fn byte(&mut self) -> Option<u8> {
        self.array().map(u8::from_le_bytes)
    }

    pub(crate) fn short(&mut self) -> Option<u16> {
        self.array().map(u16::from_le_bytes)
    }

    pub(crate) fn word(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    pub(crate) fn long(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }

    /// A count of entries of at least `least` bytes each; `None` if the rest is too short for them.
    pub(super) fn count(&mut self, least: usize) -> Option<usize> {
        let count = usize::try_from(self.word()?).ok()?;
        (count <= self.left() / least.max(1)).then_some(count)
    }
}
