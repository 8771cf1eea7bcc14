//! The records of a segment, and the end marker after them.
//!
//! Each begins with a head, at a multiple of 16 bytes; all numbers are little-endian:
//!
//! ```text
//! length of the body (u32) | crc of the body (u32) | offset of the head in the segment (u32) | crc of these three (u32)
//! ```
//!
//! A length of `u32::MAX` makes it the end marker, which is after the last record: the rest of the file is what an earlier segment
//! left there, since files are used again. Each checksum begins with the number of the segment, so that nothing of an earlier one is valid.
//!
//! A record and the end marker after it are one write. If a crash ends the write, the file has the first pages of it. The marker is
//! in the page of the last bytes of the body, so a body with a wrong checksum was cut off if no valid head of the segment is
//! after it, and was damaged if there is one.
//!
//! The body of a batch of events:
//!
//! ```text
//! number of events (u32) | offset of the layouts in the body (u32)
//! per event: what the driver sends: framing, topic, framing, payload
//! per event: its layout: offset of the topic (u8), bytes between topic and payload (u8), offset (u16) and length (u32) of the payload
//! number of workers (u32) | per worker: id (u64), last number (u64), in doubt (u8)
//! fill, so that the next head is where it must be
//! ```

use std::ops::Range;

use crc32fast::Hasher;

use super::bytes_reader::BytesReader;
use super::damage::Damage;
use super::event_layout::EventLayout;
use super::record_place::RecordPlace;
use crate::publisher::numbering::workers::Progress;

/// The number of bytes of a head, and the unit of its place.
pub(crate) const HEAD_BYTES: usize = 16;

/// The number of bytes before the first event of a body.
pub(super) const BATCH_HEAD_BYTES: usize = 2 * size_of::<u32>();

/// The size of a worker's position, in bytes.
const PROGRESS_BYTES: usize = 17;

/// The length in the end marker.
const END: u32 = u32::MAX;

/// The smallest page of memory: a write that a crash ends, ends at a multiple of it.
const PAGE_BYTES: usize = 4096;

/// There are less bytes of fill than this.
const MAX_FILL_BYTES: usize = 2 * HEAD_BYTES;

/// The next content of a segment.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next<'a> {
    /// A complete record, with its body.
    Record(&'a [u8]),
    /// The beginning of a record, or nothing, where the end marker should be.
    CutOff,
    /// The end marker.
    End,
}

/// A valid head.
enum Head {
    Record { length: usize, crc: u32 },
    End,
}

/// Begins a record at the end of `out`; [`seal`] completes it.
pub(super) fn begin(out: &mut Vec<u8>) {
    out.extend_from_slice(&[0; HEAD_BYTES]);
}

/// Completes the record that begins at `from` in `out` and ends with it, for this place in the ring, and adds the end marker.
pub(super) fn seal(out: &mut Vec<u8>, from: usize, place: RecordPlace) {
    let RecordPlace { segment, start } = place;
    let begin = usize::try_from(start).unwrap_or(usize::MAX);
    let fill = fill_bytes(begin.saturating_add(out.len() - from));
    // Of the segment and the place, so that it differs from what is left there.
    let word = crc(segment, &start.to_le_bytes()).to_le_bytes();
    out.extend(word.iter().cycle().take(fill));
    let body = out.get(from + HEAD_BYTES..).unwrap_or_default();
    let length = u32::try_from(body.len()).unwrap_or(END - 1);
    let head = head_of(length, crc(segment, body), place);
    if let Some(space) = out.get_mut(from..from + HEAD_BYTES) {
        space.copy_from_slice(&head);
    }
    out.extend_from_slice(&end(RecordPlace { segment, start: start.saturating_add(size(out.len() - from)) }));
}

/// The end marker for this place.
pub(super) fn end(place: RecordPlace) -> [u8; HEAD_BYTES] {
    head_of(END, 0, place)
}

/// How much fill a record needs whose content ends at this offset of a segment: the next head is at a multiple of its size, and
/// in the page of the byte before it.
fn fill_bytes(end: usize) -> usize {
    let fill = end.next_multiple_of(HEAD_BYTES) - end;
    if (end + fill).is_multiple_of(PAGE_BYTES) { fill + HEAD_BYTES } else { fill }
}

fn head_of(length: u32, crc_of_body: u32, place: RecordPlace) -> [u8; HEAD_BYTES] {
    let mut head = [0; HEAD_BYTES];
    let words = [length, crc_of_body, place.start];
    for (space, byte) in head.iter_mut().zip(words.iter().flat_map(|word| word.to_le_bytes())) {
        *space = byte;
    }
    let (checked, space) = head.split_at_mut(HEAD_BYTES - size_of::<u32>());
    space.copy_from_slice(&crc(place.segment, checked).to_le_bytes());
    head
}

/// The checksum of a part of a segment.
fn crc(segment: u32, bytes: &[u8]) -> u32 {
    let mut hasher = Hasher::new_with_initial(segment);
    hasher.update(bytes);
    hasher.finalize()
}

/// The head at `at`; `None` if the segment ends before it does.
fn head(bytes: &[u8], at: usize, segment: u32) -> Result<Option<Head>, Damage> {
    let rest = bytes.get(at..).unwrap_or_default();
    let Some(head) = rest.first_chunk::<HEAD_BYTES>() else { return Ok(None) };
    match words(head) {
        Some((length, crc, start)) if start == size(at) && is_sealed(head, segment) => {
            Ok(Some(match length {
                END => Head::End,
                _ => Head::Record { length: usize::try_from(length).unwrap_or(usize::MAX), crc },
            }))
        }
        _ => Err(Damage::Checksum),
    }
}

/// The length, the checksum of the body, and the place that a head names.
fn words(head: &[u8; HEAD_BYTES]) -> Option<(u32, u32, u32)> {
    let mut reader = BytesReader::new(head);
    Some((reader.word()?, reader.word()?, reader.word()?))
}

/// Whether a head was written for this segment.
fn is_sealed(head: &[u8; HEAD_BYTES], segment: u32) -> bool {
    let (checked, sum) = head.split_at(HEAD_BYTES - size_of::<u32>());
    crc(segment, checked).to_le_bytes() == *sum
}

/// Whether a head of this segment is anywhere after `at`, even where it was not written to: nothing that a crash cut off has
/// one.
fn has_later_head(bytes: &[u8], at: usize, segment: u32) -> bool {
    let rest = bytes.get(at..).unwrap_or_default();
    let is_place = |start: u32| usize::try_from(start).is_ok_and(|start| start.is_multiple_of(HEAD_BYTES));
    rest.windows(HEAD_BYTES)
        .filter_map(<[u8]>::first_chunk)
        .any(|head| words(head).is_some_and(|(_, _, start)| is_place(start)) && is_sealed(head, segment))
}

/// The content at `at` of the segment with this number.
///
/// # Errors
/// [`Damage::Checksum`] if the bytes were changed after they were written.
pub(super) fn next(bytes: &[u8], at: usize, segment: u32) -> Result<Next<'_>, Damage> {
    let (length, of_body) = match head(bytes, at, segment)? {
        None => return Ok(Next::CutOff),
        Some(Head::End) => return Ok(Next::End),
        Some(Head::Record { length, crc }) => (length, crc),
    };
    let body = bytes.get(at + HEAD_BYTES..).and_then(|rest| rest.get(..length));
    match body {
        Some(body) if crc(segment, body) == of_body => Ok(Next::Record(body)),
        _ if has_later_head(bytes, at + HEAD_BYTES, segment) => Err(Damage::Checksum),
        _ => Ok(Next::CutOff),
    }
}

/// The body of the record at `at`, which this process wrote, if all of it is there.
pub(crate) fn written(bytes: &[u8], at: usize) -> Option<&[u8]> {
    let record = bytes.get(at..)?;
    record.get(HEAD_BYTES..)?.get(..length(record)?)
}

/// The length of the body, from a head that this process wrote.
pub(crate) fn length(head: &[u8]) -> Option<usize> {
    usize::try_from(BytesReader::new(head).word()?).ok()
}

/// Writes the number of events, and the offset of their layouts, into the body that begins at `body`; adds the layouts.
pub(super) fn put_layouts(
    out: &mut Vec<u8>,
    body: usize,
    layouts: impl ExactSizeIterator<Item = EventLayout>,
) {
    let words = [size(layouts.len()), size(out.len() - body)];
    let space = out.get_mut(body..body + BATCH_HEAD_BYTES).unwrap_or_default();
    for (space, byte) in space.iter_mut().zip(words.iter().flat_map(|word| word.to_le_bytes())) {
        *space = byte;
    }
    layouts.for_each(|layout| layout.put(out));
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

/// An event of a body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RecordEvent {
    /// Its offset in the body.
    pub(crate) start: usize,
    pub(crate) layout: EventLayout,
}

impl RecordEvent {
    pub(crate) fn topic_of<'a>(&self, body: &'a [u8]) -> &'a [u8] {
        body.get(self.layout.topic(self.start)).unwrap_or_default()
    }

    pub(crate) fn payload_of<'a>(&self, body: &'a [u8]) -> &'a [u8] {
        body.get(self.layout.payload(self.start)).unwrap_or_default()
    }
}

/// The events of a body; `None` in the place of the first that is not one, and nothing after it.
pub(crate) fn events(body: &[u8]) -> impl Iterator<Item = Option<RecordEvent>> + '_ {
    let (range, mut layouts) = layouts(body).unwrap_or((0..0, BytesReader::new(&[])));
    let mut start = range.start;
    let mut is_over = false;
    std::iter::from_fn(move || {
        if is_over || (layouts.is_at_end() && start == range.end) {
            return None;
        }
        let event = EventLayout::read(&mut layouts).map(|layout| RecordEvent { start, layout });
        let event = event.filter(|event| event.layout.payload(start).end <= range.end);
        is_over = event.is_none();
        start = event.as_ref().map_or(start, |event| event.layout.payload(start).end);
        Some(event)
    })
}

/// The range of the events in a body, and their layouts.
fn layouts(body: &[u8]) -> Option<(Range<usize>, BytesReader<'_>)> {
    let mut reader = BytesReader::new(body);
    let (count, at) = (usize::try_from(reader.word()?).ok()?, usize::try_from(reader.word()?).ok()?);
    let layouts = body.get(at..)?.get(..count.checked_mul(EventLayout::BYTES)?)?;
    (at >= BATCH_HEAD_BYTES).then(|| (BATCH_HEAD_BYTES..at, BytesReader::new(layouts)))
}

/// The events of a body, and the workers' positions after them; `None` if it is not a batch.
pub(crate) fn batch(body: &[u8]) -> Option<(Vec<RecordEvent>, Vec<Progress>)> {
    let (range, of_events) = layouts(body)?;
    let events = events(body).collect::<Option<Vec<_>>>()?;
    let mut reader = BytesReader::new(body.get(range.end + of_events.left()..)?);
    let workers = progress(&mut reader)?;
    is_fill(reader).then_some((events, workers))
}

/// Whether what is left of a body is fill.
pub(super) fn is_fill(rest: BytesReader<'_>) -> bool {
    rest.left() < MAX_FILL_BYTES
}

fn size(bytes: usize) -> u32 {
    u32::try_from(bytes).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests;
