use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use pubsub_api::{Error, ErrorKind, Result};
use uuid::Uuid;

use crate::table_copy::TableCopy;

/// The file in which a [`TableCopy`] outlives the process: `monitor-<table>` in `state_dir`.
///
/// Eight bytes that name the format; for each row the length of its key (16 bits, big-endian), the key, and the digest; and the
/// CRC-32 of all of that, big-endian.
#[derive(Debug, Clone)]
pub(crate) struct CopyFile {
    path: PathBuf,
}

const FORMAT: &[u8; 8] = b"SKMRMON1";

const SUM_BYTES: usize = 4;
const DIGEST_BYTES: usize = 16;

/// The longest table name that is used in the file name unchanged; NAME_MAX is 255 (limits.h), endings included.
const MOST_NAME_BYTES: usize = 200;

impl CopyFile {
    /// The file for this table, which may not exist yet. Table names are valid in file names (`check_table`); for one that is
    /// too long, its uuid5 is used.
    pub(crate) fn of(state_dir: &Path, table: &str) -> Self {
        let hashed = || Uuid::new_v5(&Uuid::NAMESPACE_OID, table.as_bytes()).to_string();
        let name = if table.len() <= MOST_NAME_BYTES { table.to_owned() } else { hashed() };
        Self { path: state_dir.join(format!("monitor-{name}")) }
    }

    /// The copy that was saved last; `None` if there is no file.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] if it is incomplete, changed or not a copy, [`ErrorKind::Unavailable`] if it cannot be read.
    pub(crate) fn read(&self) -> Result<Option<TableCopy>> {
        let bytes = match fs::read(&self.path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(self.failed("read", error)),
        };
        let damaged = || {
            let text = format!("{} is damaged, or is not a copy of a table", self.path.display());
            Error::new(ErrorKind::Invalid, text)
        };
        decode(&bytes).map(Some).ok_or_else(damaged)
    }

    /// Replaces the saved copy atomically.
    ///
    /// There is no `fsync`: a crash of the host may leave an incomplete file, which the checksum detects.
    ///
    /// # Errors
    /// [`ErrorKind::Unavailable`] if it cannot be written.
    pub(crate) fn write(&self, encoded: &[u8]) -> Result<()> {
        let new = self.path.with_extension("new");
        let write = || {
            let mut options = OpenOptions::new();
            let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(&new)?;
            file.write_all(encoded)?;
            fs::rename(&new, &self.path)
        };
        write().map_err(|error| self.failed("write", error))
    }

    fn failed(&self, what: &str, error: io::Error) -> Error {
        let text = format!("cannot {what} {}", self.path.display());
        Error::new(ErrorKind::Unavailable, text).with_source(error)
    }
}

/// The content of the file for this copy.
pub(crate) fn encode(copy: &TableCopy) -> Vec<u8> {
    let mut bytes = FORMAT.to_vec();
    for (key, digest) in &copy.rows {
        // A key has at most 1,024 bytes (RowName).
        let Ok(length) = u16::try_from(key.len()) else { continue };
        bytes.extend_from_slice(&length.to_be_bytes());
        bytes.extend_from_slice(key.as_bytes());
        bytes.extend_from_slice(digest);
    }
    let sum = crc32fast::hash(&bytes);
    bytes.extend_from_slice(&sum.to_be_bytes());
    bytes
}

fn decode(bytes: &[u8]) -> Option<TableCopy> {
    let (body, sum) = bytes.split_at_checked(bytes.len().checked_sub(SUM_BYTES)?)?;
    if crc32fast::hash(body).to_be_bytes() != sum {
        return None;
    }
    let mut left = body.strip_prefix(FORMAT)?;
    let mut copy = TableCopy::default();
    while !left.is_empty() {
        let (length, rest) = left.split_first_chunk()?;
        let (key, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
        let (digest, rest) = rest.split_first_chunk::<DIGEST_BYTES>()?;
        copy.rows.insert(String::from_utf8(key.to_vec()).ok()?, *digest);
        left = rest;
    }
    Some(copy)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use pubsub_api::ErrorKind;
    use pubsub_api::database::MAX_TABLE_BYTES;

    use super::{CopyFile, TableCopy, encode};

    fn copy() -> TableCopy {
        let rows = ["a", "{*}/ \u{1f600}", &"k".repeat(1024)];
        TableCopy { rows: rows.iter().zip(1..).map(|(key, byte)| ((*key).to_owned(), [byte; 16])).collect() }
    }

    #[test]
    fn a_copy_is_read_as_it_was_written_even_an_empty_one() {
        let folder = tempfile::tempdir().unwrap();
        for table in ["chassis", &"t".repeat(MAX_TABLE_BYTES)] {
            let file = CopyFile::of(folder.path(), table);
            assert_eq!(file.read().unwrap(), None);
            for copy in [copy(), TableCopy::default()] {
                file.write(&encode(&copy)).unwrap();
                assert_eq!(file.read().unwrap(), Some(copy));
            }
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2, "nothing else is left");
    }

    #[test]
    fn a_file_with_any_byte_changed_or_missing_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let file = CopyFile::of(folder.path(), "chassis");
        let whole = encode(&copy());
        let damaged = (0..whole.len()).flat_map(|at| {
            let mut changed = whole.clone();
            changed[at] ^= 1;
            [changed, whole[..at].to_vec()]
        });
        for bytes in damaged {
            file.write(&bytes).unwrap();
            assert_eq!(file.read().unwrap_err().kind(), ErrorKind::Invalid);
        }
    }
}
