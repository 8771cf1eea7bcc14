use std::time::Duration;

use pubsub_api::wire::{EventRef, WireError};
use pubsub_api::{Envelope, Result, Stamp, Topic};
use rmpv::Value as Msgpack;

use super::packing::{extra, number, pack};
use crate::Position;

/// The topic of requests and of the heads of answers, on the connection for requests only.
pub(crate) const TOPIC: &[u8] = b"$sync";

const TABLE: &str = "$sync";

/// The most wants that one request carries; who wants more sends several. With the longest topics it stays below 64 KiB.
pub const MAX_SYNC_ITEMS: usize = 200;

/// "I am so far on these topics: bring me up to date" (docs/design.md#delivery).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyncRequest {
    /// The asker's own number for it, which the answers repeat.
    pub id: u64,
    /// What is wanted: at most [`MAX_SYNC_ITEMS`].
    pub items: Vec<SyncItem>,
}

/// One topic, and how far the asker is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyncItem {
    /// The topic.
    pub topic: Topic,
    /// The position after which something is missing; number 0 of who has nothing.
    pub position: Position,
}

/// The head of the answer about one topic; as many envelopes follow it as its kind says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyncReply {
    /// The request's id.
    pub id: u64,
    /// The topic.
    pub topic: Topic,
    /// The publisher, its epoch, and the number at which the asker is when it has taken what follows.
    pub stamp: Stamp,
    /// What follows.
    pub kind: SyncReplyKind,
    /// For a snapshot: the epochs that it speaks for, ascending; at most [`MAX_EPOCHS`]. A row whose latest event is of another
    /// epoch may be one that the publisher has forgotten. Empty for every other answer.
    pub epochs: Vec<u64>,
}

/// The largest number of epochs in an answer. A publisher remembers at most 64.
pub const MAX_EPOCHS: usize = 256;

/// What a publisher has to offer to who is behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SyncReplyKind {
    /// The events after the asker's position, as they were published, without a hole.
    Replay {
        /// How many envelopes follow.
        count: u64,
    },
    /// The latest event of each row that was told of since the numbers began.
    Snapshot {
        /// How many envelopes follow.
        count: u64,
        /// The epoch in which the numbers began. Rows that were told of before are not known here: that they are absent
        /// does not mean that they are gone.
        since: u64,
    },
    /// Ask again later.
    Busy {
        /// When at the earliest.
        retry_after: Duration,
    },
    /// The request waits for its turn, and will be answered.
    Waits,
    /// The publisher does not remember the asker's position: compare with the database, and go on from the stamp.
    Unknown,
}

impl SyncRequest {
    /// Packs it.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`](pubsub_api::ErrorKind::Invalid) if it is too big, which [`MAX_SYNC_ITEMS`] excludes.
    pub fn pack(&self) -> Result<Envelope> {
        let item = |SyncItem { topic, position }: &SyncItem| {
            Msgpack::Array(vec![topic.as_str().into(), position.epoch.into(), position.sequence.into()])
        };
        let items = Msgpack::Array(self.items.iter().map(item).collect());
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

fn item(packed: &Msgpack) -> std::result::Result<SyncItem, WireError> {
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
    /// None in truth: a head is far below the size limit.
    pub fn pack(&self) -> Result<Envelope> {
        self.pack_with(None)
    }

    /// Packs it, with the bytes that the payloads of what follows have together: a subscriber keeps a snapshot until it is
    /// whole, and so knows beforehand what it costs.
    ///
    /// # Errors
    /// As [`pack`](Self::pack).
    pub fn pack_announcing(&self, bytes: usize) -> Result<Envelope> {
        self.pack_with(Some(u64::try_from(bytes).unwrap_or(u64::MAX)))
    }

    /// What [`pack_announcing`](Self::pack_announcing) announced; `None` if the head does not tell.
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

    /// Reads one; `None` if the envelope is no head of an answer but one of the envelopes that follow it.
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

/// The epochs that a snapshot names. A publisher before this key existed vouches for the first and the current one.
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
    fn an_answer_reads_back_and_an_event_is_none() {
        let stamp = Stamp { publisher: 1, epoch: 2, sequence: 3, time_us: 4 };
        for kind in [
            SyncReplyKind::Replay { count: 0 },
            SyncReplyKind::Snapshot { count: 70_000, since: 1 },
            SyncReplyKind::Busy { retry_after: Duration::from_millis(1500) },
            SyncReplyKind::Waits,
            SyncReplyKind::Unknown,
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
