//! What publishers answer, and what becomes of the way to ask them.

use bytes::Bytes;
use delivery::{LossRecord, Position, SyncReply, SyncReplyKind};
use pubsub_api::{Envelope, Reply, SEND_ALL};

use super::{Script, at, data, stamp};

impl Script {
    pub(super) fn answer(&mut self, endpoint: &str, envelope: Envelope) {
        self.feed.reply(Reply::Part { endpoint: endpoint.to_owned(), envelope }, self.now);
    }

    /// The head of the answer to the last request.
    pub(crate) fn head(&mut self, endpoint: &str, publisher: u64, kind: SyncReplyKind, ends: Position) {
        self.head_to(self.last_request, endpoint, publisher, kind, ends);
    }

    fn head_to(&mut self, id: u64, endpoint: &str, publisher: u64, kind: SyncReplyKind, ends: Position) {
        let epochs = match kind {
            SyncReplyKind::Snapshot { since, .. } => vec![since],
            _ => Vec::new(),
        };
        let answer = SyncReply { id, topic: SEND_ALL, stamp: stamp(publisher, ends), kind, epochs };
        self.answer(endpoint, answer.pack().unwrap());
    }

    /// The head of a snapshot, with the size that it announces.
    pub(crate) fn snapshot_head(
        &mut self,
        endpoint: &str,
        publisher: u64,
        count: u64,
        announced: Option<usize>,
        ends: Position,
    ) {
        let (topic, kind) = (SEND_ALL, SyncReplyKind::Snapshot { count, since: 1 });
        let answer = SyncReply {
            id: self.last_request,
            topic,
            stamp: stamp(publisher, ends),
            kind,
            epochs: Vec::new(),
        };
        let packed = announced.map_or_else(|| answer.pack(), |bytes| answer.pack_announcing(bytes));
        self.answer(endpoint, packed.unwrap());
    }

    /// A part of a snapshot that announces events which are not in it.
    pub(crate) fn left_out(&mut self, endpoint: &str, publisher: u64, ends: Position, events: u64) {
        let (stamp, cause) = (stamp(publisher, ends), "no_rows".to_owned());
        self.answer(endpoint, LossRecord { topic: SEND_ALL, stamp, events, cause }.pack().unwrap());
    }

    pub(crate) fn part(&mut self, endpoint: &str, publisher: u64, epoch: u64, number: u64, value: &str) {
        self.answer(endpoint, data(stamp(publisher, at(epoch, number)), value));
    }

    pub(crate) fn part_of(&mut self, endpoint: &str, envelope: Envelope) {
        self.answer(endpoint, envelope);
    }

    pub(crate) fn junk_part(&mut self, endpoint: &str) {
        self.answer(endpoint, Envelope { topic: SEND_ALL, payload: Bytes::from_static(b"junk") });
    }

    pub(crate) fn replay(
        &mut self,
        endpoint: &str,
        publisher: u64,
        epoch: u64,
        events: &[(u64, u64, &str)],
        ends: Position,
    ) {
        assert_eq!(ends.epoch, epoch);
        self.replay_to(self.last_request, endpoint, publisher, events, ends);
    }

    pub(crate) fn replay_to(
        &mut self,
        id: u64,
        endpoint: &str,
        publisher: u64,
        events: &[(u64, u64, &str)],
        ends: Position,
    ) {
        self.head_to(id, endpoint, publisher, SyncReplyKind::Replay { count: events.len() as u64 }, ends);
        for (epoch, number, value) in events {
            self.part(endpoint, publisher, *epoch, *number, value);
        }
    }

    pub(crate) fn snapshot(
        &mut self,
        endpoint: &str,
        publisher: u64,
        since: u64,
        rows: &[(u64, u64, &str)],
        ends: Position,
    ) {
        let kind = SyncReplyKind::Snapshot { count: rows.len() as u64, since };
        self.head(endpoint, publisher, kind, ends);
        for (epoch, number, value) in rows {
            self.part(endpoint, publisher, *epoch, *number, value);
        }
    }

    pub(crate) fn request_lost(&mut self, endpoint: &str) {
        let reply = Reply::Lost { endpoint: endpoint.to_owned(), reason: "gone".to_owned() };
        self.feed.reply(reply, self.now);
    }

    pub(crate) fn requests_refused(&mut self, endpoint: &str) {
        let reply = Reply::Refused { endpoint: endpoint.to_owned(), reason: "it is a PUB".to_owned() };
        self.feed.reply(reply, self.now);
    }
}
