use std::ops::Range;

use super::bytes_reader::BytesReader;

/// Where the parts of an event are, counted from its beginning: a driver's [framing](pubsub_api::Framing) has bytes of its own
/// before and after the topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct EventLayout {
    topic_at: u8,
    /// The number of bytes between topic and payload.
    after_topic: u8,
    payload_at: u16,
    payload_bytes: u32,
}

impl EventLayout {
    /// Its size in a record.
    pub(super) const BYTES: usize = 8;

    /// Of an event with `topic_at` bytes before the topic, and `head` bytes before the payload; `None` if a part is too large.
    #[inline]
    pub(crate) fn new(topic_at: usize, topic: usize, head: usize, payload: usize) -> Option<Self> {
        Some(Self {
            topic_at: u8::try_from(topic_at).ok()?,
            after_topic: u8::try_from(head.checked_sub(topic_at + topic)?).ok()?,
            payload_at: u16::try_from(head).ok()?,
            payload_bytes: u32::try_from(payload).ok()?,
        })
    }

    /// The size of the whole event in bytes.
    #[inline]
    pub(crate) fn bytes(self) -> u32 {
        u32::from(self.payload_at).saturating_add(self.payload_bytes)
    }

    /// The range of the topic, for an event that begins at `start`.
    #[inline]
    pub(crate) fn topic(self, start: usize) -> Range<usize> {
        let end = usize::from(self.payload_at).saturating_sub(usize::from(self.after_topic));
        start + usize::from(self.topic_at)..start + end.max(usize::from(self.topic_at))
    }

    /// The range of the payload, for an event that begins at `start`.
    #[inline]
    pub(crate) fn payload(self, start: usize) -> Range<usize> {
        let from = start + usize::from(self.payload_at);
        from..from.saturating_add(usize::try_from(self.payload_bytes).unwrap_or(usize::MAX))
    }

    pub(super) fn put(self, out: &mut Vec<u8>) {
        let [a, b] = self.payload_at.to_le_bytes();
        let [c, d, e, f] = self.payload_bytes.to_le_bytes();
        out.extend_from_slice(&[self.topic_at, self.after_topic, a, b, c, d, e, f]);
    }

    pub(super) fn read(reader: &mut BytesReader<'_>) -> Option<Self> {
        let (topic_at, after_topic) = (reader.byte()?, reader.byte()?);
        let (payload_at, payload_bytes) = (reader.short()?, reader.word()?);
        let is_ordered = u16::from(topic_at) + u16::from(after_topic) <= payload_at;
        is_ordered.then_some(Self { topic_at, after_topic, payload_at, payload_bytes })
    }
}
