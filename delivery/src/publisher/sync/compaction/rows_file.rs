use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use crate::publisher::ring::folder::Folder;

/// The rows file, to which records are added.
#[derive(Debug)]
pub(super) struct RowsFile {
    file: File,
    bytes: u64,
}

const MAGIC: &[u8; 8] = b"SKIMROWS";

const VERSION: u32 = 1;

/// The number of bytes before the first record: magic, version (u32), 0 (u32), the publisher's key (u64).
pub(super) const PREFIX_BYTES: usize = 24;

/// Why the beginning of a file is not one of a rows file of this publisher.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BadPrefix {
    Magic,
    Version,
    Publisher,
}

impl RowsFile {
    /// Makes a file that becomes the rows file when it is [named](Folder::name_rows).
    ///
    /// # Errors
    /// Those of making and writing a file.
    pub(super) fn create(folder: &Folder, publisher: u64) -> io::Result<Self> {
        let mut file = Self { file: folder.create_rows()?, bytes: 0 };
        file.append(&prefix(publisher))?;
        Ok(file)
    }

    /// Continues a file after its first `bytes` bytes; what follows them is removed.
    ///
    /// # Errors
    /// Those of cutting a file.
    pub(super) fn resume(file: File, bytes: u64) -> io::Result<Self> {
        file.set_len(bytes)?;
        Ok(Self { file, bytes })
    }

    /// Adds records.
    ///
    /// # Errors
    /// Those of writing a file; the file must not be continued then.
    pub(super) fn append(&mut self, records: &[u8]) -> io::Result<()> {
        self.file.write_all_at(records, self.bytes)?;
        self.bytes += u64::try_from(records.len()).unwrap_or(u64::MAX);
        Ok(())
    }

    /// Its size in bytes.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }
}

fn prefix(publisher: u64) -> [u8; PREFIX_BYTES] {
    let mut prefix = [0; PREFIX_BYTES];
    let parts = MAGIC.iter().copied().chain(u64::from(VERSION).to_le_bytes()).chain(publisher.to_le_bytes());
    prefix.iter_mut().zip(parts).for_each(|(space, byte)| *space = byte);
    prefix
}

/// Checks the beginning of a file.
///
/// # Errors
/// The first difference.
pub(super) fn check_prefix(found: &[u8; PREFIX_BYTES], publisher: u64) -> Result<(), BadPrefix> {
    let wanted = prefix(publisher);
    let is_equal = |range: std::ops::Range<usize>| found.get(range.clone()) == wanted.get(range);
    if !is_equal(0..8) {
        return Err(BadPrefix::Magic);
    }
    if !is_equal(8..16) {
        return Err(BadPrefix::Version);
    }
    if is_equal(16..PREFIX_BYTES) { Ok(()) } else { Err(BadPrefix::Publisher) }
}
