use std::collections::VecDeque;

use bytes::Bytes;

/// The memory of the latest records, which is used again when nobody reads it any more: the drivers' connections share it.
///
/// It holds at most [`MAX_BYTES`] and [`MAX_BUFFERS`].
#[derive(Debug, Default)]
pub(super) struct SpareBuffers {
    /// Oldest first.
    buffers: VecDeque<Bytes>,
    bytes: usize,
}

/// Some records of the largest usual size: a batch that drivers receive at once has 1 MiB.
const MAX_BYTES: usize = 4 * 1024 * 1024;

const MAX_BUFFERS: usize = 16;

impl SpareBuffers {
    /// An empty buffer with room for this number of bytes: the latest free one, which is still in the cache of the processor.
    pub(super) fn take(&mut self, bytes: usize) -> Vec<u8> {
        let free = self.buffers.iter().rposition(Bytes::is_unique);
        let found = free.and_then(|place| self.buffers.remove(place));
        self.bytes -= found.as_ref().map_or(0, Bytes::len);
        let mut buffer = found.map(Vec::from).unwrap_or_default();
        buffer.clear();
        buffer.reserve(bytes);
        buffer
    }

    /// Keeps the memory of a record.
    pub(super) fn keep(&mut self, record: Bytes) {
        self.bytes += record.len();
        self.buffers.push_back(record);
        while self.bytes > MAX_BYTES || self.buffers.len() > MAX_BUFFERS {
            let Some(oldest) = self.buffers.pop_front() else { return };
            self.bytes -= oldest.len();
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::{MAX_BUFFERS, SpareBuffers};

    #[test]
    fn memory_that_nobody_reads_is_used_again() {
        let mut spares = SpareBuffers::default();
        let mut first = spares.take(100);
        first.push(1);
        let address = first.as_ptr();
        let record = Bytes::from(first);
        let reader = record.clone();
        spares.keep(record);
        let other = spares.take(100);
        assert_ne!(other.as_ptr(), address, "somebody reads it");
        drop(reader);
        let again = spares.take(100);
        assert_eq!((again.as_ptr(), again.len()), (address, 0));
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let mut spares = SpareBuffers::default();
        (0..100).for_each(|_| spares.keep(Bytes::from(vec![0; 1024 * 1024])));
        assert_eq!(spares.buffers.len(), 4);
        (0..100).for_each(|_| spares.keep(Bytes::from(vec![0; 8])));
        assert_eq!(spares.buffers.len(), MAX_BUFFERS);
        spares.keep(Bytes::from(vec![0; 8 * 1024 * 1024]));
        assert_eq!((spares.buffers.len(), spares.bytes), (0, 0));
    }
}
