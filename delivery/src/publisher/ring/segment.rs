use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use super::record;
use super::record_place::RecordPlace;

/// One file of the ring. Its holder can read it, also after the ring has removed it.
#[derive(Debug)]
pub(crate) struct Segment {
    number: u32,
    file: File,
}

/// The size, in bytes, of one read and write of a copy.
const CHUNK_BYTES: u32 = 256 * 1024;

impl Segment {
    pub(super) fn new(number: u32, file: File) -> Self {
        Self { number, file }
    }

    /// Its number; segments are numbered in the order in which they were begun.
    pub(crate) fn number(&self) -> u32 {
        self.number
    }

    /// Writes all of `bytes` at `start`.
    pub(super) fn write(&self, start: u32, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all_at(bytes, u64::from(start))
    }

    /// Reads `length` bytes from `start` on.
    pub(crate) fn read(&self, start: u32, length: usize) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; length];
        self.read_into(start, &mut bytes)?;
        Ok(bytes)
    }

    /// Fills `bytes` with the content from `start` on.
    pub(crate) fn read_into(&self, start: u32, bytes: &mut [u8]) -> io::Result<()> {
        self.file.read_exact_at(bytes, u64::from(start))
    }

    /// Its file, to be used for another segment.
    pub(super) fn into_file(self) -> File {
        self.file
    }

    /// Copies the bytes from `from` to `to`, and the end marker, into another file, to the same place.
    pub(super) fn copy_to(&self, file: &File, from: u32, to: u32) -> io::Result<()> {
        self.copy_bytes(file, from, to)?;
        let marker = record::end(RecordPlace { segment: self.number, start: to });
        file.write_all_at(&marker, u64::from(to))
    }

    fn copy_bytes(&self, file: &File, from: u32, to: u32) -> io::Result<()> {
        let mut at = from;
        while at < to {
            let chunk = (to - at).min(CHUNK_BYTES);
            let bytes = self.read(at, usize::try_from(chunk).unwrap_or(usize::MAX))?;
            file.write_all_at(&bytes, u64::from(at))?;
            at += chunk;
        }
        Ok(())
    }

    /// Ends the file with the end marker; the records end at `end`.
    pub(super) fn cut(&self, end: u32) -> io::Result<()> {
        let marker = record::end(RecordPlace { segment: self.number, start: end });
        self.file.write_all_at(&marker, u64::from(end))?;
        self.file.set_len(u64::from(end) + marker.len() as u64)
    }

    /// Syncs it to disk.
    pub(crate) fn sync(&self) -> io::Result<()> {
        self.file.sync_data()
    }
}
