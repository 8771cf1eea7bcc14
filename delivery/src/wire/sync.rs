use std::time::Duration;

use pubsub_api::wire::{EventRef, WireError};
use pubsub_api::{Envelope, Result, Stamp, Topic};
use rmpv::Value as Msgpack;

use super::packing::{extra, number, pack};
use crate::Position;

/// The topic of requests and of the heads of replies, on the connection for requests only.
pub(crate) const TOPIC: &[u8] = b"$sync";

const TABLE: &str = "$sync";

/// The most items of one request; a subscriber with more sends several. With the longest topics it stays below 64 KiB.
pub const MAX_SYNC_ITEMS: usize = 200;

/// A request for the missing events of topics (docs/design.md#delivery).
///
/// ```
/// use delivery::{MAX_SYNC_ITEMS, Position, SyncItem, SyncRequest};
/// use pubsub_api::SEND_ALL;
///
/// let item = SyncItem { topic: SEND_ALL, position: Position { epoch: 1, sequence: 41 } };
/// let request = SyncRequest { id: 1, items: vec![item.clone()] };
/// let envelope = request.pack()?;
/// assert_eq!(SyncRequest::read(&envelope)?, request);
///
/// let too_many = SyncRequest { id: 2, items: vec![item; MAX_SYNC_ITEMS + 1] };
/// assert!(SyncRequest::read(&too_many.pack()?).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyncRequest {
    /// The subscriber's number of the request, which the replies repeat.
    pub id: u64,
    /// The items, at most [`MAX_SYNC_ITEMS`].
    pub items: Vec<SyncItem>,
}

/// One topic, and the subscriber's position on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyncItem {
    /// The topic.
    pub topic: Topic,
    /// The position after which events are missing; sequence 0 if the subscriber has none.
    pub position: Position,
}

/// The head of the reply about one topic, followed by as many envelopes as its kind announces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyncReply {
    /// The request's id.
    pub id: u64,
    /// The topic.
    pub topic: Topic,
    /// The publisher, its epoch, and the sequence of the subscriber's position after the whole reply.
    pub stamp: Stamp,
    /// The content of the reply.
    pub kind: SyncReplyKind,
    /// For a snapshot: the epochs that it covers, ascending, at most [`MAX_EPOCHS`]. A row whose latest event is of another
    /// epoch may be one that the publisher has forgotten. Empty for every other reply.
    pub epochs: Vec<u64>,
}

/// The most epochs in a reply. A publisher remembers at most 64.
pub const MAX_EPOCHS: usize = 256;

/// The content of a reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SyncReplyKind {
    /// The events after the subscriber's position, as they were published, without a gap.
    Replay {
        /// The number of envelopes that follow.
        count: u64,
    },
    /// The latest event of each row since the topic's sequences began.
    Snapshot {
        /// The number of envelopes that follow.
        count: u64,
        /// The epoch in which the sequences began. Older rows are not known to the publisher: their absence does not mean that
        /// they were deleted.
        since: u64,
    },
    /// Request again later.
    Busy {
        /// The earliest time.
        retry_after: Duration,
    },
    /// The request waits for its turn; the reply will follow.
    Waits,
    /// The publisher does not know the subscriber's position: compare with the database, and continue from the stamp.
    Unknown,
    /// The subscriber has no right to the topic, whether or not it exists. The sequence of the stamp is that of the request.
    Refused,
}

impl SyncRequest {
    /// Packs it.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`](pubsub_api::ErrorKind::Invalid) if it is too big, which [`MAX_SYNC_ITEMS`] excludes.
    pub fn pack(&self) -> Result<Envelope> {
        let items = Msgpack::Array(self.items.iter().map(packed_item).collect());
        pack(Topic::new(TOPIC)?, TABLE, &self.id.to_string(), "sync", None, &[("wants", items)])
    }

    /// Reads one.
    ///
    /// # Errors
    /// The first [`WireError`] met; [`WireError::TooBig`] above [`MAX_SYNC_ITEMS`].
    pub fn read(envelope: &Envelope) -> std::result::Result<Self, WireError> {
        let event = EventRef::read(envelope.topic.as_bytes(), &envelope.payload)?;
        if event.topic.as_bytes() != TOPIC || event.action != "sync" {
            return Err(WireError::BadTopic);
        }
        let items = extra(&envelope.payload, "wants")?;
        let items = items.as_array().ok_or(WireError::WrongType)?;
        if items.len() > MAX_SYNC_ITEMS {
            return Err(WireError::TooBig);
        }
        let items = items.iter().map(item).collect::<std::result::Result<_, _>>()?;
        Ok(Self { id: id(&event)?, items })
    }
}

pub(super) fn packed_item(SyncItem { topic, position }: &SyncItem) -> Msgpack {
    Msgpack::Array(vec![topic.as_str().into(), position.epoch.into(), position.sequence.into()])
}

pub(super) fn item(packed: &Msgpack) -> std::result::Result<SyncItem, WireError> {
    let Some([topic, epoch, number]) = packed.as_array().map(Vec::as_slice) else {
        return Err(WireError::WrongType);
    };
    let topic = topic.as_str().ok_or(WireError::WrongType)?.to_owned();
    let whole = |part: &Msgpack| part.as_u64().ok_or(WireError::WrongType);
    let position = Position { epoch: whole(epoch)?, sequence: whole(number)? };
    Ok(SyncItem { topic: Topic::new(topic).map_err(|_| WireError::BadTopic)?, position })
}

fn id(event: &EventRef<'_>) -> std::result::Result<u64, WireError> {
    event.key.and_then(|key| key.parse().ok()).ok_or(WireError::WrongType)
}

impl SyncReply {
    /// Packs it.
    ///
    /// # Errors
    /// None in practice: a head is far below the size limit.
    pub fn pack(&self) -> Result<Envelope> {
        self.pack_with(None)
    }

    /// Packs it, with the total size in bytes of the payloads that follow: a subscriber keeps a snapshot in memory until it is
    /// complete, and so knows its cost beforehand.
    ///
    /// # Errors
    /// As [`pack`](Self::pack).
    pub fn pack_announcing(&self, bytes: usize) -> Result<Envelope> {
        self.pack_with(Some(u64::try_from(bytes).unwrap_or(u64::MAX)))
    }

    /// The size that [`pack_announcing`](Self::pack_announcing) announced; `None` if the head has none.
    #[must_use]
    pub fn announced_bytes(head: &Envelope) -> Option<u64> {
        number(&head.payload, "bytes").ok()
    }

    fn pack_with(&self, bytes: Option<u64>) -> Result<Envelope> {
        let (action, name, value) = match self.kind {
            SyncReplyKind::Replay { count } => ("replay", "count", count),
            SyncReplyKind::Snapshot { count, .. } => ("snapshot", "count", count),
            SyncReplyKind::Busy { retry_after } => {
                ("busy", "retry_ms", u64::try_from(retry_after.as_millis()).unwrap_or(u64::MAX))
            }
            SyncReplyKind::Waits => ("waits", "count", 0),
            SyncReplyKind::Unknown => ("unknown", "count", 0),
            SyncReplyKind::Refused => ("refused", "count", 0),
        };
        let mut more = vec![("about", Msgpack::from(self.topic.as_str())), (name, Msgpack::from(value))];
        if let SyncReplyKind::Snapshot { since, .. } = self.kind {
            more.push(("since", Msgpack::from(since)));
            let epochs = self.epochs.iter().copied().map(Msgpack::from).collect();
            more.push(("epochs", Msgpack::Array(epochs)));
        }
        more.extend(bytes.map(|bytes| ("bytes", Msgpack::from(bytes))));
        pack(Topic::new(TOPIC)?, TABLE, &self.id.to_string(), action, Some(self.stamp), &more)
    }

    /// Reads one; `None` if the envelope is not a head but one of the envelopes that follow it.
    ///
    /// # Errors
    /// The first [`WireError`] met.
    pub fn read(envelope: &Envelope) -> std::result::Result<Option<Self>, WireError> {
        if envelope.topic.as_bytes() != TOPIC {
            return Ok(None);
        }
        let payload = &envelope.payload;
        let event = EventRef::read(TOPIC, payload)?;
        let about = extra(payload, "about")?.as_str().ok_or(WireError::WrongType)?.to_owned();
        let kind = match event.action {
            "replay" => SyncReplyKind::Replay { count: number(payload, "count")? },
            "snapshot" => {
                SyncReplyKind::Snapshot { count: number(payload, "count")?, since: number(payload, "since")? }
            }
            "busy" => {
                SyncReplyKind::Busy { retry_after: Duration::from_millis(number(payload, "retry_ms")?) }
            }
            "waits" => SyncReplyKind::Waits,
            "unknown" => SyncReplyKind::Unknown,
            "refused" => SyncReplyKind::Refused,
            _ => return Err(WireError::WrongType),
        };
        let topic = Topic::new(about).map_err(|_| WireError::BadTopic)?;
        let stamp = event.stamp.ok_or(WireError::MissingField)?;
        let epochs = match kind {
            SyncReplyKind::Snapshot { since, .. } => epochs(payload, since, stamp.epoch)?,
            _ => Vec::new(),
        };
        Ok(Some(Self { id: id(&event)?, topic, stamp, kind, epochs }))
    }
}

/// The epochs of a snapshot. A publisher of a version without this key covers the first and the current one.
fn epochs(payload: &[u8], since: u64, current: u64) -> std::result::Result<Vec<u64>, WireError> {
    match extra(payload, "epochs") {
        Err(WireError::MissingField) => Ok(if since == current { vec![since] } else { vec![since, current] }),
        Err(other) => Err(other),
        Ok(Msgpack::Array(epochs)) if epochs.len() > MAX_EPOCHS => Err(WireError::TooBig),
        Ok(Msgpack::Array(epochs)) => {
            epochs.iter().map(|epoch| epoch.as_u64().ok_or(WireError::WrongType)).collect()
        }
        Ok(_) => Err(WireError::WrongType),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use pubsub_api::{Envelope, Event, SEND_ALL, Stamp, Topic};

    use super::{MAX_SYNC_ITEMS, SyncItem, SyncReply, SyncReplyKind, SyncRequest};
    use crate::Position;

    #[test]
    fn a_request_reads_back_and_the_largest_fits() {
        let topic = Topic::new("x".repeat(255)).unwrap();
        let position = Position { epoch: u64::MAX, sequence: u64::MAX };
        let items = vec![SyncItem { topic, position }; MAX_SYNC_ITEMS];
        let request = SyncRequest { id: u64::MAX, items };
        let packed = request.pack().unwrap();
        assert!(packed.payload.len() < 64 * 1024, "{}", packed.payload.len());
        assert_eq!(SyncRequest::read(&packed).unwrap(), request);
    }

    #[test]
    fn a_reply_reads_back_and_an_event_is_not_one() {
        let stamp = Stamp { publisher: 1, epoch: 2, sequence: 3, time_us: 4 };
        for kind in [
            SyncReplyKind::Replay { count: 0 },
            SyncReplyKind::Snapshot { count: 70_000, since: 1 },
            SyncReplyKind::Busy { retry_after: Duration::from_millis(1500) },
            SyncReplyKind::Waits,
            SyncReplyKind::Unknown,
            SyncReplyKind::Refused,
        ] {
            let epochs = match kind {
                SyncReplyKind::Snapshot { .. } => vec![1, 2],
                _ => Vec::new(),
            };
            let answer = SyncReply { id: 5, topic: SEND_ALL, stamp, kind, epochs };
            assert_eq!(SyncReply::read(&answer.pack().unwrap()).unwrap(), Some(answer));
        }
        let event = Event::new("t", "k", "set".into(), "v", SEND_ALL);
        assert_eq!(SyncReply::read(&Envelope::pack(&event).unwrap()).unwrap(), None);
    }
}
