//! The control messages between a worker and its service (docs/design.md#delivery).
//!
//! A worker that connects as DEALER introduces itself first, with its id and the number of the event that follows. The number
//! of a later event follows from its place, and costs no byte. The service acknowledges up to a number, in its own time.
//! Both messages are event maps of two frames, as everything on this socket is: the five keys, then their own.

use pubsub_api::Value;
use pubsub_api::wire::EventRef;

use crate::map_number::map_number;
use crate::protocol::put_event;

/// The topic of an [`Introduction`].
pub(crate) const WORKER: &[u8] = b"$worker";

/// The topic of an acknowledgement.
pub(crate) const ACK: &[u8] = b"$ack";

/// The topic of a [`Refusal`].
pub(crate) const REFUSED: &[u8] = b"$refused";

/// The longest reason of a [`Refusal`], in bytes; a longer one is cut.
const MAX_REASON_BYTES: usize = 512;

/// A worker's first message on each connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Introduction {
    /// Random, the same over all connections of one worker.
    pub(crate) worker: u64,
    /// The number of the event that follows: 1 at first, then what was acknowledged last and one.
    pub(crate) first: u64,
    /// The highest number that was written to an earlier connection; 0 if there was none.
    pub(crate) sent_before: u64,
}

/// Larger numbers are refused: no worker sends that many events.
const TOO_HIGH: u64 = 1 << 62;

impl Introduction {
    /// Appends the message.
    pub(crate) fn put(&self, out: &mut Vec<u8>) {
        let mut map = b"\x87\xa5table\xa7$worker\xa3key\xb0".to_vec();
        map.extend_from_slice(format!("{:016x}", self.worker).as_bytes());
        map.extend_from_slice(b"\xa6action\xa6worker\xa5value\xc0\xa5topic\xa7$worker\xa5first\xcf");
        map.extend_from_slice(&self.first.to_be_bytes());
        map.extend_from_slice(b"\xabsent_before\xcf");
        map.extend_from_slice(&self.sent_before.to_be_bytes());
        put_event(out, WORKER, &map);
    }

    /// Reads its map; `None` if it is malformed.
    pub(crate) fn read(payload: &[u8]) -> Option<Self> {
        let event = EventRef::read(WORKER, payload).ok()?;
        let key = event.key.filter(|_| event.action == "worker")?;
        let is_an_id = key.len() == 16 && key.bytes().all(|byte| byte.is_ascii_hexdigit());
        let worker = u64::from_str_radix(key, 16).ok().filter(|_| is_an_id)?;
        let number = |key| map_number(payload, key).filter(|number| *number < TOO_HIGH);
        let (first, sent_before) = (number(b"first")?, number(b"sent_before")?);
        (first > 0).then_some(Self { worker, first, sent_before })
    }
}

/// Events of a worker that the service refused for good: it sends this before it acknowledges them. A worker of a version
/// that does not know the message skips it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// The number of events.
    pub(crate) events: u64,
    /// Why the last one was refused.
    pub(crate) reason: String,
}

impl Refusal {
    /// Adds a later one.
    pub(crate) fn join(&mut self, later: Self) {
        *self = Self { events: self.events.saturating_add(later.events), ..later };
    }

    /// Appends the message.
    pub(crate) fn put(&self, out: &mut Vec<u8>) {
        let longest = self.reason.len().min(MAX_REASON_BYTES);
        let end = (0..=longest).rev().find(|at| self.reason.is_char_boundary(*at));
        let reason = self.reason.get(..end.unwrap_or_default()).unwrap_or_default();
        let length = u16::try_from(reason.len()).unwrap_or(u16::MAX);
        let mut map = b"\x86\xa5table\xa8$refused\xa3key\xc0\xa6action\xa6refuse\xa5value\xda".to_vec();
        map.extend_from_slice(&length.to_be_bytes());
        map.extend_from_slice(reason.as_bytes());
        map.extend_from_slice(b"\xa5topic\xa8$refused\xa6events\xcf");
        map.extend_from_slice(&self.events.to_be_bytes());
        put_event(out, REFUSED, &map);
    }

    /// Reads its map; `None` if it is malformed.
    pub(crate) fn read(payload: &[u8]) -> Option<Self> {
        let event = EventRef::read(REFUSED, payload).ok().filter(|event| event.action == "refuse")?;
        let reason = match event.to_event().value {
            Value::Text(reason) => reason,
            _ => return None,
        };
        Some(Self { events: map_number(payload, b"events")?, reason })
    }
}

/// Appends the message that acknowledges all events up to this number.
pub(crate) fn put_ack(out: &mut Vec<u8>, up_to: u64) {
    let map = b"\x86\xa5table\xa4$ack\xa3key\xc0\xa6action\xa3ack\xa5value\xc0\xa5topic\xa4$ack\xa4upto\xcf";
    put_event(out, ACK, &[&map[..], &up_to.to_be_bytes()].concat());
}

/// Up to which number this map acknowledges; `None` if it does not.
pub(crate) fn read_ack(payload: &[u8]) -> Option<u64> {
    EventRef::read(ACK, payload).ok().filter(|event| event.action == "ack")?;
    map_number(payload, b"upto")
}

#[cfg(test)]
mod tests {
    use pubsub_api::wire::EventRef;

    use super::{ACK, Introduction, REFUSED, Refusal, TOO_HIGH, WORKER, put_ack, read_ack};
    use crate::protocol::{Decoded, EventDecoder};

    fn payload(message: &[u8], wanted: &[u8]) -> Vec<u8> {
        match EventDecoder::default().next(message).unwrap() {
            (used, Decoded::Event { topic, payload }) => {
                assert_eq!((used, &message[topic]), (message.len(), wanted));
                message[payload].to_vec()
            }
            other => panic!("one event was due, and it is {other:?}"),
        }
    }

    fn introduced(introduction: Introduction) -> Vec<u8> {
        let mut message = Vec::new();
        introduction.put(&mut message);
        payload(&message, WORKER)
    }

    #[test]
    fn an_introduction_reads_back_and_is_an_event_to_others() {
        for (worker, first, sent_before) in [(0, 1, 0), (u64::MAX, TOO_HIGH - 1, TOO_HIGH - 1), (7, 300, 2)] {
            let introduction = Introduction { worker, first, sent_before };
            let map = introduced(introduction);
            assert_eq!(Introduction::read(&map), Some(introduction));
            let event = EventRef::read(WORKER, &map).unwrap();
            assert_eq!((event.table, event.action, event.value), (Some("$worker"), "worker", &b"\xc0"[..]));
            assert_eq!(event.key, Some(format!("{worker:016x}").as_str()));
        }
    }

    #[test]
    fn what_is_no_introduction_is_none() {
        let good = introduced(Introduction { worker: 1, first: 1, sent_before: 0 });
        let cases: [(&[u8], &[u8]); 4] = [
            (b"worker\xa5value", b"worked\xa5value"),
            (b"0000000000000001", b"+000000000000001"),
            (b"first", b"fists"),
            (b"sent_before", b"sent_behind"),
        ];
        for (text, other) in cases {
            let at = good.windows(text.len()).position(|part| part == text).unwrap();
            let wrong = [&good[..at], other, &good[at + text.len()..]].concat();
            assert_eq!(Introduction::read(&wrong), None, "{other:?}");
        }
        for length in 0..good.len() {
            assert_eq!(Introduction::read(&good[..length]), None, "cut at {length}");
        }
        for (first, sent_before) in [(0, 0), (TOO_HIGH, 0), (1, TOO_HIGH)] {
            assert_eq!(Introduction::read(&introduced(Introduction { worker: 1, first, sent_before })), None);
        }
    }

    #[test]
    fn a_refusal_reads_back_with_its_reason_cut() {
        for (reason, shown) in [("", 0), ("no", 2), (&"ä".repeat(400), 512)] {
            let mut message = Vec::new();
            Refusal { events: 7, reason: reason.to_owned() }.put(&mut message);
            let map = payload(&message, REFUSED);
            let read = Refusal::read(&map).unwrap();
            assert_eq!((read.events, read.reason.len()), (7, shown));
            assert!(reason.starts_with(&read.reason));
            assert_eq!(Refusal::read(&map[..map.len() - 1]), None);
        }
        let mut ack = Vec::new();
        put_ack(&mut ack, 1);
        assert_eq!(Refusal::read(&payload(&ack, ACK)), None);
    }

    #[test]
    fn an_acknowledgement_reads_back() {
        for up_to in [0, 1, u64::MAX] {
            let mut message = Vec::new();
            put_ack(&mut message, up_to);
            let map = payload(&message, ACK);
            assert_eq!(read_ack(&map), Some(up_to));
            assert_eq!(read_ack(&map[..map.len() - 1]), None);
            assert_eq!(EventRef::read(ACK, &map).unwrap().key, None);
        }
        assert_eq!(read_ack(&introduced(Introduction { worker: 1, first: 1, sent_before: 0 })), None);
    }
}
