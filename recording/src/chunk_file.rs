use std::fs::File;
use std::io::{Error as IoError, Result as IoResult, Write};

/// A file to which whole chunks are appended: what is written waits in memory until `flush`.
///
/// If a chunk cannot be written, what came of it is taken off again, and the file ends with the chunk before: it is closed.
#[derive(Debug)]
pub(crate) struct ChunkFile {
    /// `None` after a failure: the container writes its index even then, when it is dropped.
    file: Option<File>,
    waiting: Vec<u8>,
    bytes: u64,
}

impl ChunkFile {
    pub(crate) fn new(file: File) -> Self {
        Self { file: Some(file), waiting: Vec::new(), bytes: 0 }
    }
}

impl Write for ChunkFile {
    fn write(&mut self, bytes: &[u8]) -> IoResult<usize> {
        self.waiting.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> IoResult<()> {
        let mut file = self.file.take().ok_or_else(|| IoError::other("an earlier chunk was not written"))?;
        let written = file.write_all(&self.waiting);
        let length = u64::try_from(self.waiting.len()).map_err(IoError::other)?;
        self.waiting.clear();
        if written.is_err() {
            // If even that fails, a reader finds the torn chunk by its length.
            let _ = file.set_len(self.bytes);
            return written;
        }
        self.bytes += length;
        self.file = Some(file);
        Ok(())
    }
}
