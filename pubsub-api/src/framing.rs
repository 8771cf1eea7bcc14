use std::fmt::Debug;

/// How a network driver lays out an event on its connections: bytes of its own, the topic, bytes of its own, the payload.
///
/// A publisher that keeps events keeps them in this form, and hands the driver what it keeps
/// ([`Batch::framed_run`](crate::Batch::framed_run)): the driver sends these bytes without a copy. A driver without
/// a framing receives topics and payloads.
///
/// ```
/// use pubsub_api::Framing;
///
/// /// One byte for each length.
/// #[derive(Debug)]
/// struct Lengths;
///
/// impl Framing for Lengths {
///     fn put_head(&self, out: &mut Vec<u8>, topic: &[u8], payload_bytes: usize) -> usize {
///         out.push(topic.len() as u8);
///         out.extend_from_slice(topic);
///         out.push(payload_bytes as u8);
///         1
///     }
/// }
///
/// let mut event = Vec::new();
/// assert_eq!(Lengths.put_head(&mut event, b"D", 2), 1, "the topic is after one byte");
/// event.extend_from_slice(b"up");
/// assert_eq!(event, b"\x01D\x02up");
/// ```
pub trait Framing: Debug + Send + Sync {
    /// Appends everything before the payload of an event; the caller appends the payload, and nothing follows it.
    /// Returns the number of bytes before the topic.
    ///
    /// There are at most 255 bytes before the topic, and at most 255 between topic and payload.
    fn put_head(&self, out: &mut Vec<u8>, topic: &[u8], payload_bytes: usize) -> usize;
}
