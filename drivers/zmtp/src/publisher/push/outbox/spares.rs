use super::Chunk;

/// Chunks that are done with, to be filled again: bounded by the memory that they keep.
#[derive(Debug, Default)]
pub(super) struct Spares {
    chunks: Vec<Chunk>,
    bytes: usize,
}

/// Enough for what is under way at a rate at which chunks have a few events each, before they are acknowledged.
const MAX_CHUNKS: usize = 256;

/// What all of them keep.
const MAX_BYTES: usize = 1024 * 1024;

impl Spares {
    /// One to be filled.
    pub(super) fn take(&mut self) -> Chunk {
        let Some(chunk) = self.chunks.pop() else { return Chunk::default() };
        self.bytes -= chunk.capacity();
        chunk
    }

    /// One that is done with; kept if there is room for it.
    pub(super) fn put(&mut self, chunk: Chunk) {
        if self.chunks.len() < MAX_CHUNKS && self.bytes + chunk.capacity() <= MAX_BYTES {
            self.bytes += chunk.capacity();
            self.chunks.push(chunk.emptied());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Chunk, MAX_BYTES, MAX_CHUNKS, Spares};

    fn chunk(bytes: usize) -> Chunk {
        let mut chunk = Chunk::default();
        chunk.push(|out| out.resize(bytes, 0));
        chunk
    }

    #[test]
    fn what_is_kept_is_empty_and_bounded_in_number_and_in_memory() {
        for (bytes, kept) in [(100, MAX_CHUNKS), (100_000, MAX_BYTES / 100_000), (2 * MAX_BYTES, 0)] {
            let mut spares = Spares::default();
            (0..1000).for_each(|_| spares.put(chunk(bytes)));
            assert_eq!(spares.chunks.len(), kept, "of {bytes} bytes");
            for _ in 0..=kept {
                assert!(spares.take().is_gone());
            }
            assert_eq!(spares.bytes, 0);
        }
    }
}
