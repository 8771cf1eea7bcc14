use std::io::{self, Read};

use super::rows_record::{self, HEAD_BYTES};
use crate::publisher::ring::bytes_reader::BytesReader;

/// Reads the records of a rows file, one at a time.
#[derive(Debug)]
pub(super) struct RowsReader<R> {
    input: R,
    body: Vec<u8>,
}

/// What is next in a rows file.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum NextRows<'a> {
    /// A record, with its body.
    Record(&'a [u8]),
    /// Nothing.
    End,
    /// The beginning of a record: a crash ended the write of it.
    CutOff,
    /// Bytes that are no record.
    Damaged,
}

/// The most bytes of a body: a step, an event of the largest size, and changes of topics.
const MAX_BODY_BYTES: usize = 4 * 1024 * 1024;

impl<R: Read> RowsReader<R> {
    pub(super) fn new(input: R) -> Self {
        Self { input, body: Vec::new() }
    }

    /// Reads the next record.
    ///
    /// # Errors
    /// Those of reading the file.
    pub(super) fn next(&mut self) -> io::Result<NextRows<'_>> {
        let mut head = Vec::with_capacity(HEAD_BYTES);
        self.fill(&mut head, HEAD_BYTES)?;
        if head.is_empty() {
            return Ok(NextRows::End);
        }
        let mut reader = BytesReader::new(&head);
        let (Some(length), Some(crc)) = (reader.word(), reader.word()) else { return Ok(NextRows::CutOff) };
        let bytes = usize::try_from(length).unwrap_or(usize::MAX);
        if bytes > MAX_BODY_BYTES {
            return Ok(NextRows::Damaged);
        }
        let mut body = std::mem::take(&mut self.body);
        body.clear();
        self.fill(&mut body, bytes)?;
        self.body = body;
        if self.body.len() < bytes {
            return Ok(NextRows::CutOff);
        }
        let is_valid = rows_record::crc(&length.to_le_bytes(), &self.body) == crc;
        Ok(if is_valid { NextRows::Record(&self.body) } else { NextRows::Damaged })
    }

    /// Reads this number of bytes into an empty buffer, or fewer at the end.
    fn fill(&mut self, buffer: &mut Vec<u8>, bytes: usize) -> io::Result<()> {
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        self.input.by_ref().take(bytes).read_to_end(buffer).map(drop)
    }
}
