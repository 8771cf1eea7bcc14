/// The traffic of one CURVE connection: counts the frames that are long enough for an event, and reads nothing in them.
///
/// Each frame of a message is a MESSAGE of its own, topic and payload (RFC 26). A topic, a heartbeat and a hello are shorter than an
/// event of the bench.
#[derive(Debug, Default)]
pub(crate) struct CountedStream {
    /// The first bytes of a frame that is incomplete.
    head: Vec<u8>,
    /// The rest of the current frame.
    skip: usize,
    events: u64,
}

/// Shorter frames are no events of the bench, whose values have this size.
pub(crate) const EVENT_BYTES: usize = 200;

/// The flag of a frame with a length of 8 bytes (RFC 23).
const LONG: u8 = 2;

impl CountedStream {
    /// The number of events so far.
    pub(crate) fn events(&self) -> u64 {
        self.events
    }

    /// Takes the next bytes.
    pub(crate) fn take(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let skipped = self.skip.min(bytes.len());
            self.skip -= skipped;
            bytes = bytes.get(skipped..).unwrap_or_default();
            if self.skip > 0 || bytes.is_empty() {
                return;
            }
            let known = self.head.len();
            self.head.extend(bytes.iter().take(HEAD_BYTES - known));
            let Some((head, length)) = frame(&self.head) else { return };
            bytes = bytes.get(head - known..).unwrap_or_default();
            self.head.clear();
            self.skip = length;
            self.events += u64::from(length >= EVENT_BYTES);
        }
    }
}

const HEAD_BYTES: usize = 9;

/// The sizes of the head and the body of a frame; `None` while the head is incomplete.
fn frame(bytes: &[u8]) -> Option<(usize, usize)> {
    if bytes.first()? & LONG == 0 {
        return Some((2, usize::from(*bytes.get(1)?)));
    }
    let length: [u8; 8] = bytes.get(1..HEAD_BYTES)?.try_into().ok()?;
    Some((HEAD_BYTES, usize::try_from(u64::from_be_bytes(length)).ok()?))
}

#[cfg(test)]
mod tests {
    use super::CountedStream;

    #[test]
    fn long_frames_are_events_however_they_arrive() {
        let long = [&[2, 0, 0, 0, 0, 0, 0, 1, 0x2c][..], &[7; 300]].concat();
        let bytes = [&[0, 3, 1, 2, 3][..], &long, &[0, 0], &[0, 250], &[9; 250], &long].concat();
        for size in [1, 2, 5, 100, bytes.len()] {
            let mut stream = CountedStream::default();
            bytes.chunks(size).for_each(|chunk| stream.take(chunk));
            assert_eq!(stream.events(), 3, "in chunks of {size}");
        }
    }
}
