use std::io;
use std::sync::Arc;

use bytes::Bytes;
use pubsub_api::Batch;

use crate::publisher::numbering::topic_index::Place;
use crate::publisher::ring::segment::Segment;

/// Events to be read from the ring, with their segments: these stay readable when the ring removes them.
#[derive(Debug)]
pub(crate) struct Replay {
    places: Vec<Place>,
    next: usize,
    segments: Vec<Arc<Segment>>,
}

/// The most bytes that are read at once.
const CHUNK_BYTES: u32 = 256 * 1024;

/// A gap of at most this many bytes between two events is read as well: that is cheaper than another system call.
const GAP_BYTES: u32 = 4 * 1024;

impl Replay {
    pub(crate) fn new(places: Vec<Place>, segments: Vec<Arc<Segment>>) -> Self {
        Self { places, next: 0, segments }
    }

    /// The number of events.
    pub(super) fn count(&self) -> u64 {
        u64::try_from(self.places.len()).unwrap_or(u64::MAX)
    }

    /// Whether all events are read.
    pub(crate) fn is_over(&self) -> bool {
        self.next >= self.places.len()
    }

    /// Reads some of the next events, and adds them to `batch`.
    ///
    /// # Errors
    /// Those of reading a file; [`io::ErrorKind::InvalidData`] if it has other content.
    pub(crate) fn read_some(&mut self, batch: &mut Batch) -> io::Result<()> {
        let chunk = self.chunk();
        let (Some(first), Some(last)) = (chunk.first(), chunk.last()) else { return Ok(()) };
        let segment = self.segments.iter().find(|segment| segment.number() == first.segment);
        let segment = segment.ok_or(io::ErrorKind::NotFound)?;
        let length = last.end() - first.start;
        let bytes = segment.read(first.start, usize::try_from(length).unwrap_or(usize::MAX))?;
        let bytes = Bytes::from(bytes);
        let block = batch.add_block(bytes.clone());
        for place in chunk {
            let at = usize::try_from(place.start - first.start).unwrap_or(usize::MAX);
            if !batch.push_span(block, place.layout.topic(at), place.layout.payload(at)) {
                return Err(io::ErrorKind::InvalidData.into());
            }
        }
        self.next += chunk.len();
        Ok(())
    }

    /// The next events that are close together in one segment.
    fn chunk(&self) -> &[Place] {
        let rest = self.places.get(self.next..).unwrap_or_default();
        let Some(first) = rest.first() else { return &[] };
        let mut end = first.end();
        let mut count = 1;
        for place in rest.iter().skip(1) {
            let follows = place.segment == first.segment && place.start >= end;
            if !follows || place.start - end > GAP_BYTES || place.start - first.start >= CHUNK_BYTES {
                break;
            }
            end = place.end();
            count += 1;
        }
        rest.get(..count).unwrap_or_default()
    }
}
