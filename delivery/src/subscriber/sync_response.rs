use pubsub_api::wire::EventRef;
use pubsub_api::{Envelope, Stamp, Topic};

use super::payload::Payload;
use crate::{Control, LossRecord, Position, SyncReply, SyncReplyKind};

/// A reply about one topic, while its parts arrive.
#[derive(Debug)]
pub(super) struct SyncResponse {
    pub(super) topic: Topic,
    /// The subscriber's position after the whole reply.
    pub(super) at: Position,
    /// The rows of a snapshot, so far; `None` for a replay, which is applied as it arrives.
    pub(super) rows: Option<Vec<Payload>>,
    /// The epochs that the snapshot covers.
    pub(super) epochs: Vec<u64>,
    /// The number of rows that could not be opened.
    pub(super) unopened: u64,
    bytes: usize,
    /// The most bytes that its rows may have: as announced, or else the subscriber's bound.
    limit: usize,
    left: u64,
}

/// The result for one part.
pub(super) enum Part {
    /// It waits for the others.
    Kept,
    /// It is the next event of a replay.
    Next {
        topic: Topic,
        /// `None` if it cannot be read.
        stamp: Option<Stamp>,
        payload: Payload,
    },
    /// With it the snapshot exceeds its announced size, or the bound if no size was announced.
    TooLarge { topic: Topic, at: Position },
}

impl SyncResponse {
    /// Begins a reply, with this limit in bytes.
    pub(super) fn new(head: &SyncReply, limit: usize) -> Self {
        let (rows, left) = match head.kind {
            SyncReplyKind::Replay { count } => (None, count),
            SyncReplyKind::Snapshot { count, .. } => (Some(Vec::new()), count),
            SyncReplyKind::Busy { .. }
            | SyncReplyKind::Waits
            | SyncReplyKind::Unknown
            | SyncReplyKind::Refused => (None, 0),
        };
        let at = Position { epoch: head.stamp.epoch, sequence: head.stamp.sequence };
        let epochs = head.epochs.clone();
        Self { topic: head.topic.clone(), at, rows, epochs, unopened: 0, bytes: 0, limit, left }
    }

    pub(super) fn is_whole(&self) -> bool {
        self.left == 0
    }

    /// Skips a row that could not be opened.
    pub(super) fn skip(&mut self) {
        self.left = self.left.saturating_sub(1);
        self.unopened += 1;
    }

    pub(super) fn take(&mut self, envelope: Envelope) -> Part {
        self.left = self.left.saturating_sub(1);
        let topic = self.topic.clone();
        let Some(rows) = &mut self.rows else {
            let (stamp, payload) = read(envelope, &topic);
            return Part::Next { topic, stamp, payload };
        };
        if envelope.topic != topic {
            // A row of another topic is ignored, as in the stream; a loss record lists events that are in no snapshot.
            rows.extend(lost(&envelope, &topic).map(Payload::Lost));
            return Part::Kept;
        }
        self.bytes += envelope.payload.len();
        if self.bytes > self.limit {
            return Part::TooLarge { topic, at: self.at };
        }
        // An unreadable row is ignored as well.
        let is_row = EventRef::read(topic.as_bytes(), &envelope.payload).is_ok();
        rows.extend(is_row.then_some(Payload::Event(envelope)));
        Part::Kept
    }
}

/// The stamp and the payload of a replayed envelope; an unreadable one counts as a lost event.
fn read(envelope: Envelope, topic: &Topic) -> (Option<Stamp>, Payload) {
    if envelope.topic == *topic {
        let stamp = EventRef::read(topic.as_bytes(), &envelope.payload).ok().and_then(|event| event.stamp);
        if let Some(stamp) = stamp {
            return (Some(stamp), Payload::Event(envelope));
        }
    } else if let Some(lost) = lost(&envelope, topic) {
        return (Some(lost.stamp), Payload::Lost(lost));
    }
    let stamp = Stamp { publisher: 0, epoch: 0, sequence: 0, time_us: 0 };
    (
        None,
        Payload::Lost(LossRecord { topic: topic.clone(), stamp, events: 1, cause: "unreadable".to_owned() }),
    )
}

/// The loss record of this topic, if the envelope is one.
fn lost(envelope: &Envelope, topic: &Topic) -> Option<LossRecord> {
    match Control::read(&envelope.topic, &envelope.payload) {
        Ok(Some(Control::Lost(lost))) if lost.topic == *topic => Some(lost),
        _ => None,
    }
}
