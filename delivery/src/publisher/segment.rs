use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

/// One file of the ring. Whoever holds it can read it, also when the ring has let go of it.
#[derive(Debug)]
pub(super) struct Segment {
    number: u32,
    file: File,
}

impl Segment {
    pub(super) fn new(number: u32, file: File) -> Self {
        Self { number, file }
    }

    /// Which of the ring's files it is; they are numbered in the order in which they were begun.
    pub(super) fn number(&self) -> u32 {
        self.number
    }

    /// Writes all of `bytes` at `start`.
    pub(super) fn write(&self, start: u32, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all_at(bytes, u64::from(start))
    }

    /// Reads `length` bytes from `start` on.
    pub(super) fn read(&self, start: u32, length: usize) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; length];
        self.read_into(start, &mut bytes)?;
        Ok(bytes)
    }

    /// Fills `bytes` with what stands from `start` on.
    pub(super) fn read_into(&self, start: u32, bytes: &mut [u8]) -> io::Result<()> {
        self.file.read_exact_at(bytes, u64::from(start))
    }

    /// Puts what was written onto the medium.
    pub(super) fn sync(&self) -> io::Result<()> {
        self.file.sync_data()
    }
}
