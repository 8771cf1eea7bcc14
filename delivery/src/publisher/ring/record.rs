//! The records of a segment, each with its length and checksums, which distinguish a record that a crash cut off from a damaged
//! one.
//!
//! ```text
//! length of the body (u32) | crc of the length (u32) | crc of the body (u32) | body
//! ```
//!
//! The body of a batch of events, all numbers little-endian:
//!
//! ```text
//! number of events (u32) | per event: length of topic (u16), of payload (u32), topic, payload
//! number of workers (u32) | per worker: id (u64), last number (u64), in doubt (u8)
//! ```

use std::fmt;
use std::ops::Range;

use super::bytes_reader::BytesReader;
use crate::publisher::numbering::workers::Progress;

/// The number of bytes before a body.
pub(crate) const HEAD_BYTES: usize = 12;

/// The number of bytes before the topic of an event.
pub(super) const FRAME_BYTES: usize = 6;

/// The size of a worker's position, in bytes.
const PROGRESS_BYTES: usize = 17;

/// How a segment differs from what a publisher writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Damage {
    Checksum,
    Content,
    Ends,
    Foreign,
    Magic,
    Missing,
    Version,
}

impl Damage {
    /// The name of the cause in counters.
    pub(super) fn cause(self) -> &'static str {
        match self {
            Self::Checksum => "checksum",
            Self::Content => "content",
            Self::Ends => "ends_too_early",
            Self::Foreign => "foreign_publisher",
            Self::Magic => "no_ring",
            Self::Missing => "missing_segment",
            Self::Version => "version",
        }
    }
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Checksum => "a checksum does not match",
            Self::Content => "a record has content that no publisher writes",
            Self::Ends => "a segment before the last one ends too early",
            Self::Foreign => "it belongs to another publisher",
            Self::Magic => "it is not a segment of a ring",
            Self::Missing => "a segment is missing",
            Self::Version => "it was written by another version",
        })
    }
}

/// The next content of a segment.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next<'a> {
    /// A complete record, with its body.
    Record(&'a [u8]),
    /// The beginning of a record.
    Torn,
    /// The end of the segment.
    End,
}

/// Begins a record at the end of `out`; [`seal`] completes it.
pub(super) fn begin(out: &mut Vec<u8>) {
    out.extend_from_slice(&[0; HEAD_BYTES]);
}

/// Completes the record that begins at `start` and ends with `out`.
pub(super) fn seal(out: &mut [u8], start: usize) {
    let Some((head, body)) = out.get_mut(start..).and_then(|record| record.split_at_mut_checked(HEAD_BYTES))
    else {
        return;
    };
    let length = u32::try_from(body.len()).unwrap_or(u32::MAX).to_le_bytes();
    let parts = [length, crc32fast::hash(&length).to_le_bytes(), crc32fast::hash(body).to_le_bytes()];
    for (place, byte) in head.iter_mut().zip(parts.iter().flatten()) {
        *place = *byte;
    }
}

/// The record at the beginning of `bytes`.
///
/// # Errors
/// [`Damage::Checksum`] for a complete record whose bytes were changed.
pub(super) fn next(bytes: &[u8]) -> Result<Next<'_>, Damage> {
    let mut reader = BytesReader::new(bytes);
    if reader.is_at_end() {
        return Ok(Next::End);
    }
    let (Some(length), Some(of_length), Some(of_body)) = (reader.word(), reader.word(), reader.word()) else {
        return Ok(Next::Torn);
    };
    if crc32fast::hash(&length.to_le_bytes()) != of_length {
        return Err(Damage::Checksum);
    }
    match usize::try_from(length).ok().and_then(|length| reader.take(length)) {
        None => Ok(Next::Torn),
        Some(body) if crc32fast::hash(body) != of_body => Err(Damage::Checksum),
        Some(body) => Ok(Next::Record(body)),
    }
}

/// Writes the frame of an event without its payload; `payload_bytes` bytes must follow.
#[inline]
pub(super) fn put_frame(out: &mut Vec<u8>, topic: &[u8], payload_bytes: usize) {
    let [a, b] = u16::try_from(topic.len()).unwrap_or(u16::MAX).to_le_bytes();
    let [c, d, e, f] = u32::try_from(payload_bytes).unwrap_or(u32::MAX).to_le_bytes();
    out.extend_from_slice(&[a, b, c, d, e, f]);
    out.extend_from_slice(topic);
}

/// Writes workers' positions.
pub(super) fn put_progress(out: &mut Vec<u8>, all: &[Progress]) {
    out.extend_from_slice(&u32::try_from(all.len()).unwrap_or(u32::MAX).to_le_bytes());
    for Progress { worker, last, in_doubt } in all {
        out.extend_from_slice(&worker.to_le_bytes());
        out.extend_from_slice(&last.to_le_bytes());
        out.push(u8::from(*in_doubt));
    }
}

/// Reads what [`put_progress`] wrote.
pub(super) fn progress(reader: &mut BytesReader<'_>) -> Option<Vec<Progress>> {
    let count = reader.count(PROGRESS_BYTES)?;
    let one =
        |_| Some(Progress { worker: reader.long()?, last: reader.long()?, in_doubt: flag(reader.byte()?)? });
    (0..count).map(one).collect()
}

fn flag(byte: u8) -> Option<bool> {
    match byte {
        0 => Some(false),
        1 => Some(true),
        _ => None,
    }
}

/// The frame of the event at `start`; `None` if it exceeds `bytes`.
#[inline]
pub(crate) fn frame(bytes: &[u8], start: usize) -> Option<Frame> {
    let mut reader = BytesReader::new(bytes.get(start..)?);
    let (topic, payload) = (usize::from(reader.short()?), usize::try_from(reader.word()?).ok()?);
    let topic_at = start + FRAME_BYTES;
    let payload_at = topic_at + topic;
    let end = payload_at.checked_add(payload)?;
    (end <= bytes.len()).then_some(Frame { topic: topic_at..payload_at, payload: payload_at..end })
}

/// The ranges of the topic and the payload of an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Frame {
    pub(crate) topic: Range<usize>,
    pub(crate) payload: Range<usize>,
}

impl Frame {
    pub(crate) fn topic_of<'a>(&self, bytes: &'a [u8]) -> &'a [u8] {
        bytes.get(self.topic.clone()).unwrap_or_default()
    }

    pub(crate) fn payload_of<'a>(&self, bytes: &'a [u8]) -> &'a [u8] {
        bytes.get(self.payload.clone()).unwrap_or_default()
    }
}

/// The events of a body, and the workers' positions after them; `None` if it is not a batch.
pub(crate) fn batch(body: &[u8]) -> Option<(Vec<Frame>, Vec<Progress>)> {
    let count = BytesReader::new(body).count(FRAME_BYTES)?;
    let mut at = size_of::<u32>();
    let mut frames = Vec::with_capacity(count);
    for _ in 0..count {
        let frame = frame(body, at)?;
        at = frame.payload.end;
        frames.push(frame);
    }
    let mut reader = BytesReader::new(body.get(at..)?);
    let workers = progress(&mut reader)?;
    reader.is_at_end().then_some((frames, workers))
}

#[cfg(test)]
mod tests {
    use super::{Damage, HEAD_BYTES, Next, batch, begin, next, put_frame, put_progress, seal};
    use crate::publisher::numbering::workers::Progress;

    fn record() -> Vec<u8> {
        let mut bytes = Vec::new();
        begin(&mut bytes);
        bytes.extend_from_slice(&2_u32.to_le_bytes());
        for (topic, payload) in [("D", "one"), ("lport", "")] {
            put_frame(&mut bytes, topic.as_bytes(), payload.len());
            bytes.extend_from_slice(payload.as_bytes());
        }
        put_progress(&mut bytes, &[Progress { worker: 7, last: 9, in_doubt: true }]);
        seal(&mut bytes, 0);
        bytes
    }

    #[test]
    fn written_records_read_back() {
        let bytes = record();
        let Next::Record(body) = next(&bytes).unwrap() else { panic!("no record") };
        assert_eq!(body.len(), bytes.len() - HEAD_BYTES);
        let (frames, workers) = batch(body).unwrap();
        let read: Vec<_> =
            frames.iter().map(|frame| (frame.topic_of(body), frame.payload_of(body))).collect();
        assert_eq!(read, [(&b"D"[..], &b"one"[..]), (b"lport", b"")]);
        assert_eq!(workers, [Progress { worker: 7, last: 9, in_doubt: true }]);
        assert_eq!(next(&[]).unwrap(), Next::End);
    }

    #[test]
    fn a_record_that_was_cut_off_is_torn_and_one_that_was_changed_is_damaged() {
        let bytes = record();
        for length in 1..bytes.len() {
            assert_eq!(next(&bytes[..length]).unwrap(), Next::Torn, "{length} bytes");
        }
        for bit in 0..bytes.len() * 8 {
            let mut changed = bytes.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(next(&changed), Err(Damage::Checksum), "bit {bit}");
        }
    }
}
