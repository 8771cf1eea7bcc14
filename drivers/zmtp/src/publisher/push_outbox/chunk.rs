/// Encoded events, one behind the other, and how far they are written.
#[derive(Debug, Default)]
pub(in crate::publisher) struct Chunk {
    bytes: Vec<u8>,
    /// Where each event ends.
    ends: Vec<usize>,
    written: usize,
    /// How many events are written to their last byte.
    whole: usize,
}

/// What a write made whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::publisher) struct Whole {
    pub(in crate::publisher) events: usize,
    pub(in crate::publisher) bytes: usize,
}

/// When a chunk takes no more events: one write carries hundreds of small ones then, and a chunk in hand is little memory.
const FULL_BYTES: usize = 64 * 1024;

impl Chunk {
    pub(super) fn is_full(&self) -> bool {
        self.bytes.len() >= FULL_BYTES
    }

    /// Adds the event that `put` appends; tells how many bytes it has.
    pub(super) fn push(&mut self, put: impl FnOnce(&mut Vec<u8>)) -> usize {
        let before = self.bytes.len();
        put(&mut self.bytes);
        self.ends.push(self.bytes.len());
        self.bytes.len() - before
    }

    /// Whether nothing of it was written.
    pub(in crate::publisher) fn is_untouched(&self) -> bool {
        self.written == 0
    }

    /// What is to be written; nothing when all is.
    pub(in crate::publisher) fn rest(&self) -> &[u8] {
        self.bytes.get(self.written..).unwrap_or_default()
    }

    /// So many more bytes were written.
    pub(in crate::publisher) fn advance(&mut self, count: usize) -> Whole {
        let (before, start) = (self.whole, self.end_of_whole());
        self.written += count;
        while self.ends.get(self.whole).is_some_and(|end| *end <= self.written) {
            self.whole += 1;
        }
        Whole { events: self.whole - before, bytes: self.end_of_whole() - start }
    }

    /// The connection broke: an event that is not whole is written again from its start.
    pub(in crate::publisher) fn rewind(&mut self) {
        self.written = self.end_of_whole();
    }

    fn end_of_whole(&self) -> usize {
        self.whole.checked_sub(1).and_then(|last| self.ends.get(last)).copied().unwrap_or_default()
    }

    /// Its memory for other events; `None` if that is more than a chunk needs.
    pub(super) fn reused(mut self) -> Option<Self> {
        self.bytes.clear();
        self.ends.clear();
        (self.written, self.whole) = (0, 0);
        (self.bytes.capacity() <= 2 * FULL_BYTES).then_some(self)
    }
}

#[cfg(test)]
mod tests {
    use super::{Chunk, Whole};

    fn chunk() -> Chunk {
        let mut chunk = Chunk::default();
        for event in ["one", "three", "five"] {
            assert_eq!(chunk.push(|bytes| bytes.extend_from_slice(event.as_bytes())), event.len());
        }
        chunk
    }

    #[test]
    fn an_event_is_whole_with_its_last_byte() {
        let mut chunk = chunk();
        for (count, events, bytes) in [(2, 0, 0), (1, 1, 3), (4, 0, 0), (3, 1, 5), (2, 1, 4)] {
            assert_eq!(chunk.advance(count), Whole { events, bytes });
        }
        assert!(chunk.rest().is_empty());
    }

    #[test]
    fn what_is_not_whole_is_written_again_from_its_start() {
        for (written, rest) in [
            (0, "onethreefive"),
            (2, "onethreefive"),
            (3, "threefive"),
            (7, "threefive"),
            (8, "five"),
            (12, ""),
        ] {
            let mut chunk = chunk();
            chunk.advance(written);
            chunk.rewind();
            assert_eq!(chunk.rest(), rest.as_bytes(), "after {written} bytes");
        }
    }
}
