use std::io;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use pubsub_api::wire::WireError;
use pubsub_api::{Batch, Envelope, Error, ErrorKind, PeerId, Request, Requests, Result, Stamp, Topic};
use tokio::task::JoinSet;

use super::core::Core;
use super::line::Line;
use super::replay::Replay;
use super::rows_server;
use super::snapshot_cache::Snapshot;
use super::snapshots;
use super::sync_queue::{Admission, SyncQueue};
use super::topics::TopicState;
use super::verdict::{Standing, Verdict};
use crate::{Answer, AnswerKind, FullSyncRequest, Position, SyncRequest, Want};

/// So much is put into an asker's stream at once.
pub(super) const CHUNK_BYTES: usize = 256 * 1024;

/// Answers requests for ever, if the driver carries any: each in a task of its own, so that a slow asker holds up nobody.
pub(super) async fn serve(core: Arc<Core>) {
    let Some(requests) = core.driver.requests() else { return };
    let mut queue: SyncQueue<Asked> = SyncQueue::default();
    let mut answering = JoinSet::new();
    loop {
        tokio::select! {
            request = requests.next() => {
                let Ok(Request { peer, envelope }) = request else { return };
                let Some(request) = read(&core, &envelope) else { continue };
                match queue.offer(peer, request, core.now().since_start) {
                    Admission::Start(request) => drop(answering.spawn(answer(Arc::clone(&core), peer, request))),
                    Admission::Waits => {}
                    Admission::Busy(Asked::Behind(request), retry_after) => {
                        say_busy(&core, requests, peer, &request, retry_after);
                    }
                    Admission::Busy(Asked::Rows(request), _) => rows_server::say_busy(&core, requests, peer, &request),
                }
            }
            Some(answered) = answering.join_next() => {
                let next = answered.ok().and_then(|peer| queue.finished(peer));
                if let Some((peer, request)) = next {
                    answering.spawn(answer(Arc::clone(&core), peer, request));
                }
            }
        }
        core.readings.requests_waiting.store(queue.waiting(), Ordering::Relaxed);
    }
}

/// What a subscriber asks.
#[derive(Debug)]
enum Asked {
    /// What it lacks of topics.
    Behind(SyncRequest),
    /// All rows of the database.
    Rows(FullSyncRequest),
}

impl Asked {
    fn read(envelope: &Envelope) -> std::result::Result<Self, WireError> {
        match FullSyncRequest::read(envelope)? {
            Some(request) => Ok(Self::Rows(request)),
            None => SyncRequest::read(envelope).map(Self::Behind),
        }
    }
}

fn read(core: &Core, envelope: &Envelope) -> Option<Asked> {
    core.readings.requests.add(1);
    match Asked::read(envelope) {
        Ok(request) => Some(request),
        Err(error) => {
            if let Some(times) = core.readings.bad_requests.count(error.cause(), Instant::now()) {
                tracing::warn!(cause = error.cause(), times, "a request is none: {error}");
            }
            None
        }
    }
}

/// Tells an asker to come again. If it takes nothing just now, it learns it from the silence.
fn say_busy(
    core: &Core,
    requests: &dyn Requests,
    peer: PeerId,
    request: &SyncRequest,
    retry_after: Duration,
) {
    let mut heads = Batch::new();
    for Want { topic, position } in &request.wants {
        core.readings.busy.add(1);
        // Full jitter: who was refused together does not come back together.
        let retry_after = retry_after.mul_f64(1.0 + fastrand::f64());
        let kind = AnswerKind::Busy { retry_after };
        heads.extend(head(core, request.id, topic, position.number, kind).ok());
    }
    if !matches!(requests.answer(peer, &mut heads).now_or_never(), Some(Ok(()))) {
        core.readings.unanswered.add(1);
    }
}

/// Answers a request; its peer, whatever came of it.
async fn answer(core: Arc<Core>, peer: PeerId, asked: Asked) -> PeerId {
    let answering = async {
        match &asked {
            Asked::Behind(request) => answer_all(&core, peer, request).await,
            Asked::Rows(request) => rows_server::answer(&core, peer, request).await,
        }
    };
    let answered = AssertUnwindSafe(answering).catch_unwind().await;
    match answered {
        Ok(Ok(())) => {}
        Ok(Err(error)) => {
            core.readings.unanswered.add(1);
            tracing::debug!(%peer, "an answer was not taken: {error}");
        }
        Err(_) => {
            core.readings.unanswered.add(1);
            tracing::error!(%peer, "answering a request failed");
        }
    }
    peer
}

async fn answer_all(core: &Arc<Core>, peer: PeerId, request: &SyncRequest) -> Result<()> {
    let mut answers = Answers { core, peer, id: request.id, batch: Batch::new(), bytes: 0 };
    for Want { topic, position } in &request.wants {
        answers.one(topic, *position).await?;
    }
    answers.flush().await
}

fn head(core: &Core, id: u64, topic: &Topic, number: u64, kind: AnswerKind) -> Result<Envelope> {
    let (publisher, epoch) = (core.incarnation.publisher, core.incarnation.epoch);
    let stamp = Stamp { publisher, epoch, sequence: number, time_us: core.now().wall_us };
    let epochs = match kind {
        AnswerKind::Snapshot { since, .. } => epochs_since(core, since),
        _ => Vec::new(),
    };
    Answer { id, topic: topic.clone(), stamp, kind, epochs }.pack()
}

/// The epochs of this publisher's numbers from `since` on.
fn epochs_since(core: &Core, since: u64) -> Vec<u64> {
    let sequencer = core.sequencer();
    let epochs = sequencer.ledger.lineage.epochs().iter().copied();
    epochs.filter(|epoch| *epoch >= since).collect()
}

/// What is to be answered about a topic, with the last number that was given on it.
#[derive(Debug)]
enum Plan {
    Replay(Replay, u64),
    Snapshot,
    /// The ring does not reach back so far.
    TooFarBehind(u64),
    /// It is no position of this publisher's.
    Nowhere(u64),
}

impl Plan {
    fn of(core: &Core, topic: &Topic, position: Position, snapshot_bytes: Option<u64>) -> Self {
        let sequencer = core.sequencer();
        let (ledger, ring) = (&sequencer.ledger, &sequencer.ring);
        let never = Line::after(ledger.topics.floor());
        let state = ledger.topics.named(topic.as_bytes());
        let line = state.map_or(&never, |state| &state.line);
        let last = line.last();
        let oldest = state.map_or(last + 1, TopicState::oldest);
        let standing = Standing { lineage: &ledger.lineage, line, oldest };
        let from = position.number.saturating_add(1);
        let replay_bytes = state.map_or(0, |state| state.history.bytes_since(last, from));
        match standing.judge(position, replay_bytes, snapshot_bytes) {
            Verdict::Replay { from } => {
                let places = state.map(|state| state.history.since(last, from)).unwrap_or_default();
                Self::Replay(Replay::new(places, ring.segments()), last)
            }
            Verdict::Snapshot => Self::Snapshot,
            Verdict::Unknown if standing.knows(position) => Self::TooFarBehind(last),
            Verdict::Unknown => Self::Nowhere(last),
        }
    }
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

/// The answers to one request, gathered into chunks.
struct Answers<'a> {
    core: &'a Arc<Core>,
    peer: PeerId,
    id: u64,
    batch: Batch,
    bytes: usize,
}

impl Answers<'_> {
    async fn one(&mut self, topic: &Topic, position: Position) -> Result<()> {
        let estimate = self.core.snapshots.follower().cache.bytes_of(topic.as_bytes());
        let plan = Plan::of(self.core, topic, position, estimate);
        let is_settled = match plan {
            Plan::Replay(..) => position.number > 0,
            Plan::Nowhere(_) => true,
            Plan::Snapshot | Plan::TooFarBehind(_) => false,
        };
        if is_settled {
            return self.without_snapshot(topic, plan).await;
        }
        match snapshots::snapshot(self.core, topic.to_bytes()).await {
            Some(snapshot) => self.snapshot(topic, snapshot).await,
            None => self.without_snapshot(topic, Plan::of(self.core, topic, position, None)).await,
        }
    }

    async fn without_snapshot(&mut self, topic: &Topic, plan: Plan) -> Result<()> {
        let readings = &self.core.readings;
        let (replay, last) = match plan {
            Plan::Replay(replay, last) => (replay, last),
            Plan::TooFarBehind(last) | Plan::Nowhere(last) => {
                readings.unknown.add(1);
                return self.put(head(self.core, self.id, topic, last, AnswerKind::Unknown)?).await;
            }
            // Not planned without one.
            Plan::Snapshot => return Ok(()),
        };
        let count = replay.count();
        self.put(head(self.core, self.id, topic, last, AnswerKind::Replay { count })?).await?;
        self.stream(replay).await?;
        readings.replays.add(1);
        readings.replayed.add(count);
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

    async fn snapshot(&mut self, topic: &Topic, snapshot: Snapshot) -> Result<()> {
        let Snapshot { since, number, payloads } = snapshot;
        let count = u64::try_from(payloads.len()).unwrap_or(u64::MAX);
        let kind = AnswerKind::Snapshot { count, since };
        self.put(head(self.core, self.id, topic, number, kind)?).await?;
        for payload in payloads {
            self.put(Envelope { topic: topic.clone(), payload }).await?;
        }
        self.core.readings.snapshots.add(1);
        self.core.readings.snapshot_rows.add(count);
        Ok(())
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
        self.bytes = 0;
        match self.core.driver.requests() {
            Some(requests) if !self.batch.is_empty() => requests.answer(self.peer, &mut self.batch).await,
            _ => Ok(()),
        }
    }
}
