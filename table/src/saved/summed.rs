use std::io::{Result, Write};

use crc32fast::Hasher;

/// A writer that computes the CRC-32 of the bytes it passes on, which detects every single flipped bit and every burst
/// up to 32 bits.
#[derive(Debug)]
pub(super) struct Summed<W> {
    inner: W,
    sum: Hasher,
    bytes: u64,
}

impl<W> Summed<W> {
    pub(super) fn new(inner: W) -> Self {
        Self { inner, sum: Hasher::new(), bytes: 0 }
    }

    /// Returns the number of bytes written.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Returns the checksum of the bytes written.
    pub(super) fn checksum(&self) -> u32 {
        self.sum.clone().finalize()
    }
}

impl<W: Write> Write for Summed<W> {
    fn write(&mut self, bytes: &[u8]) -> Result<usize> {
        let written = self.inner.write(bytes)?;
        self.sum.update(bytes.get(..written).unwrap_or(bytes));
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> Result<()> {
        self.inner.flush()
    }
}
