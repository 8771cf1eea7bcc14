use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use pubsub_api::{Batch, Envelope, Error, ErrorKind, PeerId, Result, Stamp, Topic};

use super::heads::{head, reply_head};
use super::plan::Plan;
use crate::publisher::core::Core;
use crate::publisher::sync::replay::Replay;
use crate::publisher::sync::reply_stream::{CHUNK_BYTES, put};
use crate::publisher::sync::snapshot_cache::Snapshot;
use crate::publisher::sync::snapshot_reader;
use crate::{LossRecord, Position, SyncItem, SyncReplyKind, SyncRequest};

/// Replies to all items of a request.
pub(super) async fn reply_to_all(
    core: &Arc<Core>,
    peer: PeerId,
    request: &SyncRequest,
    taken: &AtomicU64,
) -> Result<()> {
    let mut replies = Replies { core, peer, id: request.id, batch: Batch::new(), bytes: 0, taken };
    for SyncItem { topic, position } in &request.items {
        replies.one(topic, *position).await?;
    }
    replies.flush().await
}

/// Reads the next chunk of a replay.
async fn read_some(mut replay: Replay) -> Result<(Replay, Batch)> {
    let reading = tokio::task::spawn_blocking(move || {
        let mut some = Batch::new();
        replay.read_some(&mut some).map(|()| (replay, some))
    });
    let read = reading.await.unwrap_or_else(|failure| Err(io::Error::other(failure)));
    read.map_err(|error| {
        Error::new(ErrorKind::Internal, "cannot read the ring for a replay").with_source(error)
    })
}

/// The replies to one request, gathered into chunks.
struct Replies<'a> {
    core: &'a Arc<Core>,
    peer: PeerId,
    id: u64,
    batch: Batch,
    bytes: usize,
    /// The number of bytes that the driver has accepted.
    taken: &'a AtomicU64,
}

impl Replies<'_> {
    async fn one(&mut self, topic: &Topic, position: Position) -> Result<()> {
        let size = self.core.snapshots.follower().cache.size_of(topic.as_bytes(), position.sequence);
        let estimate = size.map(|(bytes, others)| if others == 0 { bytes } else { u64::MAX });
        let plan = Plan::of(self.core, topic, position, estimate);
        let is_settled = match plan {
            Plan::Replay(..) => position.sequence > 0,
            Plan::Nowhere(_) => true,
            Plan::Snapshot | Plan::TooFarBehind(_) => false,
        };
        if is_settled {
            return self.without_snapshot(topic, plan).await;
        }
        match snapshot_reader::snapshot(self.core, topic.to_bytes()).await {
            Some(snapshot) => self.snapshot(topic, position, snapshot).await,
            None => self.without_snapshot(topic, Plan::of(self.core, topic, position, None)).await,
        }
    }

    async fn without_snapshot(&mut self, topic: &Topic, plan: Plan) -> Result<()> {
        let metrics = &self.core.metrics;
        let (replay, last) = match plan {
            Plan::Replay(replay, last) => (replay, last),
            Plan::TooFarBehind(last) | Plan::Nowhere(last) => {
                metrics.unknown.add(1);
                return self.put(head(self.core, self.id, topic, last, SyncReplyKind::Unknown)?).await;
            }
            // Not planned without one.
            Plan::Snapshot => return Ok(()),
        };
        let count = replay.count();
        self.put(head(self.core, self.id, topic, last, SyncReplyKind::Replay { count })?).await?;
        self.stream(replay).await?;
        metrics.replays.add(1);
        metrics.replayed.add(count);
        Ok(())
    }

    async fn stream(&mut self, mut replay: Replay) -> Result<()> {
        while !replay.is_over() {
            let mut some;
            (replay, some) = read_some(replay).await?;
            self.bytes += some.payload_bytes();
            self.batch.append(&mut some);
            self.flush_if_full().await?;
        }
        Ok(())
    }

    async fn snapshot(&mut self, topic: &Topic, from: Position, snapshot: Snapshot) -> Result<()> {
        let Snapshot { since, number, payloads } = snapshot;
        let left_out = self.left_out(topic, from, number)?;
        let count = u64::try_from(payloads.len() + left_out.iter().len()).unwrap_or(u64::MAX);
        let kind = SyncReplyKind::Snapshot { count, since };
        let bytes = payloads.iter().map(Bytes::len).sum();
        let head = reply_head(self.core, self.id, topic, number, kind);
        self.put(head.pack_announcing(bytes)?).await?;
        if let Some(left_out) = left_out {
            self.put(left_out).await?;
        }
        for payload in payloads {
            self.put(Envelope { topic: topic.clone(), payload }).await?;
        }
        self.core.metrics.snapshots.add(1);
        self.core.metrics.snapshot_rows.add(count);
        Ok(())
    }

    /// A loss record with the number of events after the subscriber's position that are in no snapshot; `None` if there are
    /// none. A subscriber that has nothing was promised none of them.
    fn left_out(&self, topic: &Topic, from: Position, number: u64) -> Result<Option<Envelope>> {
        let size = self.core.snapshots.follower().cache.size_of(topic.as_bytes(), from.sequence);
        let events = size.map_or(0, |(_, others)| others);
        if from.sequence == 0 || events == 0 {
            return Ok(None);
        }
        let (publisher, epoch) = (self.core.publisher_epoch.publisher, self.core.publisher_epoch.epoch);
        let stamp = Stamp { publisher, epoch, sequence: number, time_us: self.core.now().wall_us };
        let cause = "no_rows".to_owned();
        LossRecord { topic: topic.clone(), stamp, events, cause }.pack().map(Some)
    }

    async fn put(&mut self, envelope: Envelope) -> Result<()> {
        self.bytes += envelope.payload.len();
        self.batch.push(envelope);
        self.flush_if_full().await
    }

    async fn flush_if_full(&mut self) -> Result<()> {
        if self.bytes >= CHUNK_BYTES { self.flush().await } else { Ok(()) }
    }

    async fn flush(&mut self) -> Result<()> {
        let bytes = std::mem::take(&mut self.bytes);
        put(self.core, self.peer, &mut self.batch).await?;
        self.taken.fetch_add(u64::try_from(bytes).unwrap_or(u64::MAX), Ordering::Relaxed);
        Ok(())
    }
}
