/// Encoded events, one after the other: how far they are written, and how far they need not be kept.
#[derive(Debug, Default)]
pub(in crate::publisher::push) struct Chunk {
    bytes: Vec<u8>,
    /// Where each event ends.
    ends: Vec<usize>,
    written: usize,
    /// How many events are written to their last byte.
    whole: usize,
    /// How many of those will not be written again.
    gone: usize,
}

/// Events, and the bytes that they took.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::publisher::push) struct Gone {
    pub(in crate::publisher::push) events: usize,
    pub(in crate::publisher::push) bytes: usize,
}

/// When a chunk takes no more events: one write carries hundreds of small ones then, and a chunk in hand is little memory.
const FULL_BYTES: usize = 64 * 1024;

impl Chunk {
    pub(super) fn is_full(&self) -> bool {
        self.bytes.len() >= FULL_BYTES
    }

    /// Adds the event that `put` appends. Returns its bytes.
    pub(in crate::publisher::push) fn push(&mut self, put: impl FnOnce(&mut Vec<u8>)) -> usize {
        let before = self.bytes.len();
        put(&mut self.bytes);
        self.ends.push(self.bytes.len());
        self.bytes.len() - before
    }

    /// Whether no event of it is written in part.
    pub(in crate::publisher::push) fn is_between_events(&self) -> bool {
        self.written == self.end_of(self.whole)
    }

    /// What is to be written; nothing when all is.
    pub(in crate::publisher::push) fn rest(&self) -> &[u8] {
        self.bytes.get(self.written..).unwrap_or_default()
    }

    /// Notes that `count` more bytes were written. Returns the number of events that they completed.
    pub(in crate::publisher::push) fn advance(&mut self, count: usize) -> usize {
        let before = self.whole;
        self.written += count;
        while self.ends.get(self.whole).is_some_and(|end| *end <= self.written) {
            self.whole += 1;
        }
        self.whole - before
    }

    /// At most `events` more events at the front need not be kept.
    pub(in crate::publisher::push) fn release(&mut self, events: u64) -> Gone {
        let (before, start) = (self.gone, self.end_of(self.gone));
        let left = self.ends.len() - before;
        self.gone += usize::try_from(events).map_or(left, |events| events.min(left));
        Gone { events: self.gone - before, bytes: self.end_of(self.gone) - start }
    }

    /// Whether nothing of it need be kept.
    pub(in crate::publisher::push) fn is_gone(&self) -> bool {
        self.gone == self.ends.len()
    }

    /// The connection broke: what is not gone is written again, each event from its start.
    pub(in crate::publisher::push) fn rewind(&mut self) {
        self.whole = self.gone;
        self.written = self.end_of(self.gone);
    }

    fn end_of(&self, events: usize) -> usize {
        events.checked_sub(1).and_then(|last| self.ends.get(last)).copied().unwrap_or_default()
    }

    /// How much memory its bytes have.
    pub(super) fn capacity(&self) -> usize {
        self.bytes.capacity()
    }

    /// Its memory for other events.
    pub(super) fn emptied(mut self) -> Self {
        self.bytes.clear();
        self.ends.clear();
        Self { bytes: self.bytes, ends: self.ends, ..Self::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::{Chunk, Gone};

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
        for (count, events, between) in
            [(2, 0, false), (1, 1, true), (4, 0, false), (3, 1, false), (2, 1, true)]
        {
            assert_eq!((chunk.advance(count), chunk.is_between_events()), (events, between));
        }
        assert!(chunk.rest().is_empty());
    }

    #[test]
    fn what_is_not_gone_is_written_again_each_event_from_its_start() {
        for (written, gone, rest) in [
            (0, 0, "onethreefive"),
            (2, 0, "onethreefive"),
            (3, 0, "onethreefive"),
            (3, 1, "threefive"),
            (7, 1, "threefive"),
            (12, 1, "threefive"),
            (12, 2, "five"),
            (12, 3, ""),
        ] {
            let mut chunk = chunk();
            chunk.advance(written);
            chunk.release(gone);
            chunk.rewind();
            assert_eq!(chunk.rest(), rest.as_bytes(), "{gone} gone after {written} bytes");
            assert_eq!(chunk.is_gone(), gone == 3);
        }
    }

    #[test]
    fn no_more_goes_than_there_is() {
        let mut chunk = chunk();
        chunk.advance(12);
        assert_eq!(chunk.release(2), Gone { events: 2, bytes: 8 });
        assert_eq!(chunk.release(u64::MAX), Gone { events: 1, bytes: 4 });
        assert_eq!(chunk.release(1), Gone::default());
    }
}
