use std::collections::{HashMap, HashSet};
use std::io;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::FutureExt;
use pubsub_api::wire::WireError;
use pubsub_api::{Batch, Envelope, Error, ErrorKind, PeerId, Request, Requests, Result, Stamp, Topic};
use tokio::task::{AbortHandle, Id, JoinSet};
use tokio::time::{MissedTickBehavior, interval};

use super::core::Core;
use super::line::Line;
use super::replay::Replay;
use super::rows_server;
use super::snapshot_cache::Snapshot;
use super::snapshots;
use super::sync_queue::{Admission, Supersedes, SyncQueue};
use super::topics::TopicState;
use super::verdict::{Standing, Verdict};
use crate::{Answer, AnswerKind, FullSyncRequest, Lost, Position, SyncRequest, Want};

/// So much is put into an asker's stream at once.
pub(super) const CHUNK_BYTES: usize = 256 * 1024;

/// Answers requests for ever, if the driver carries any: each in a task of its own, so that a slow asker holds up nobody.
pub(super) async fn serve(core: Arc<Core>) {
    let Some(requests) = core.driver.requests() else { return };
    let mut server = Server {
        core: &core,
        requests,
        queue: SyncQueue::default(),
        answering: JoinSet::new(),
        answers: HashMap::new(),
    };
    let mut ticks = interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            request = requests.next() => {
                let Ok(Request { peer, envelope }) = request else { return };
                if let Some(request) = read(&core, &envelope) {
                    server.take(peer, request);
                }
            }
            Some(ended) = server.answering.join_next_with_id() => {
                server.ended(match ended {
                    Ok((task, ())) => task,
                    Err(error) => error.id(),
                });
            }
            _ = ticks.tick(), if !server.queue.is_idle() => server.judge(),
        }
        core.readings.requests_waiting.store(server.queue.waiting(), Ordering::Relaxed);
    }
}

/// How often the answers are judged, and who waits hears of it.
const TICK: Duration = Duration::from_secs(1);

/// What is being answered, and what waits.
struct Server<'a> {
    core: &'a Arc<Core>,
    requests: &'a dyn Requests,
    queue: SyncQueue<Arc<Asked>>,
    answering: JoinSet<()>,
    answers: HashMap<PeerId, Underway>,
}

/// An answer that is being sent.
struct Underway {
    task: AbortHandle,
    taken: Arc<AtomicU64>,
}

impl Server<'_> {
    fn take(&mut self, peer: PeerId, request: Asked) {
        let (core, requests) = (self.core, self.requests);
        match self.queue.offer(peer, Arc::new(request), core.now().since_start) {
            Admission::Start(request) => self.start(peer, request),
            Admission::Restart(request) => {
                if let Some(underway) = self.answers.remove(&peer) {
                    underway.task.abort();
                }
                self.start(peer, request);
            }
            Admission::Waits => {}
            Admission::Busy(request, retry_after) => match &*request {
                Asked::Behind(request) => {
                    let kind = AnswerKind::Busy { retry_after };
                    core.readings.busy.add(1);
                    say_of_each(core, requests, peer, request, kind);
                }
                Asked::Rows(request) => rows_server::say_busy(core, requests, peer, request),
            },
        }
    }

    fn start(&mut self, peer: PeerId, request: Arc<Asked>) {
        let (core, taken) = (Arc::clone(self.core), Arc::<AtomicU64>::default());
        let task = self.answering.spawn(answer(core, peer, request, Arc::clone(&taken)));
        self.answers.insert(peer, Underway { task, taken });
    }

    /// A task has ended. One that was aborted is nobody's any more.
    fn ended(&mut self, task: Id) {
        let peer =
            self.answers.iter().find(|(_, underway)| underway.task.id() == task).map(|(peer, _)| *peer);
        if let Some(peer) = peer {
            self.answers.remove(&peer);
            self.queue.finished(peer);
        }
        self.start_more();
    }

    fn start_more(&mut self) {
        while let Some((peer, request)) = self.queue.next(self.core.now().since_start) {
            self.start(peer, request);
        }
    }

    /// Drops answers that are far too slow, begins others, and tells those that wait.
    fn judge(&mut self) {
        let now = self.core.now().since_start;
        let answers = &self.answers;
        let taken = |peer| answers.get(&peer).map_or(0, |underway| underway.taken.load(Ordering::Relaxed));
        for peer in self.queue.judge(now, taken) {
            self.core.readings.too_slow.add(1);
            tracing::info!(%peer, "dropped an answer: too many askers read slowly, and this one the slowest; it asks again");
            if let Some(underway) = self.answers.remove(&peer) {
                underway.task.abort();
            }
            self.queue.finished(peer);
        }
        self.start_more();
        for (peer, request) in self.queue.overdue(now) {
            if let Asked::Behind(request) = &**request {
                say_of_first(self.core, self.requests, peer, request);
            }
        }
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

impl Supersedes for Arc<Asked> {
    fn supersedes(&self, earlier: &Self) -> bool {
        match (&**self, &**earlier) {
            (Asked::Behind(later), Asked::Behind(earlier)) => {
                let later: HashSet<&Topic> = later.wants.iter().map(|want| &want.topic).collect();
                earlier.wants.iter().all(|want| later.contains(&want.topic))
            }
            (Asked::Rows(later), Asked::Rows(earlier)) => later.topics == earlier.topics,
            _ => false,
        }
    }
}

/// Refuses a request for now. An asker that takes nothing just now learns it from the silence.
fn say_of_each(core: &Core, requests: &dyn Requests, peer: PeerId, request: &SyncRequest, kind: AnswerKind) {
    let mut heads = Batch::new();
    for Want { topic, position } in &request.wants {
        let kind = match kind {
            // Full jitter: who was refused together does not come back together.
            AnswerKind::Busy { retry_after } => {
                AnswerKind::Busy { retry_after: retry_after.mul_f64(1.0 + fastrand::f64()) }
            }
            other => other,
        };
        heads.extend(head(core, request.id, topic, position.number, kind).ok());
    }
    put_now(core, requests, peer, &mut heads);
}

/// Reports that a request waits for its turn, by one head for all that it wants.
fn say_of_first(core: &Core, requests: &dyn Requests, peer: PeerId, request: &SyncRequest) {
    let Some(Want { topic, position }) = request.wants.first() else { return };
    let mut heads = Batch::new();
    heads.extend(head(core, request.id, topic, position.number, AnswerKind::Waits).ok());
    put_now(core, requests, peer, &mut heads);
}

fn put_now(core: &Core, requests: &dyn Requests, peer: PeerId, heads: &mut Batch) {
    if !matches!(requests.answer(peer, heads).now_or_never(), Some(Ok(()))) {
        core.readings.unanswered.add(1);
    }
}

/// Answers a request.
async fn answer(core: Arc<Core>, peer: PeerId, asked: Arc<Asked>, taken: Arc<AtomicU64>) {
    let answering = async {
        match &*asked {
            Asked::Behind(request) => answer_all(&core, peer, request, &taken).await,
            Asked::Rows(request) => rows_server::answer(&core, peer, request, &taken).await,
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
}

async fn answer_all(core: &Arc<Core>, peer: PeerId, request: &SyncRequest, taken: &AtomicU64) -> Result<()> {
    let mut answers = Answers { core, peer, id: request.id, batch: Batch::new(), bytes: 0, taken };
    for Want { topic, position } in &request.wants {
        answers.one(topic, *position).await?;
    }
    answers.flush().await
}

/// The head of an answer, as it is packed.
fn head(core: &Core, id: u64, topic: &Topic, number: u64, kind: AnswerKind) -> Result<Envelope> {
    answer_head(core, id, topic, number, kind).pack()
}

fn answer_head(core: &Core, id: u64, topic: &Topic, number: u64, kind: AnswerKind) -> Answer {
    let (publisher, epoch) = (core.incarnation.publisher, core.incarnation.epoch);
    let stamp = Stamp { publisher, epoch, sequence: number, time_us: core.now().wall_us };
    let epochs = match kind {
        AnswerKind::Snapshot { since, .. } => epochs_since(core, since),
        _ => Vec::new(),
    };
    Answer { id, topic: topic.clone(), stamp, kind, epochs }
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
    /// How many bytes the driver has taken.
    taken: &'a AtomicU64,
}

impl Answers<'_> {
    async fn one(&mut self, topic: &Topic, position: Position) -> Result<()> {
        let size = self.core.snapshots.follower().cache.size_of(topic.as_bytes(), position.number);
        let estimate = size.map(|(bytes, others)| if others == 0 { bytes } else { u64::MAX });
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
            Some(snapshot) => self.snapshot(topic, position, snapshot).await,
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

    async fn snapshot(&mut self, topic: &Topic, from: Position, snapshot: Snapshot) -> Result<()> {
        let Snapshot { since, number, payloads } = snapshot;
        let left_out = self.left_out(topic, from, number)?;
        let count = u64::try_from(payloads.len() + left_out.iter().len()).unwrap_or(u64::MAX);
        let kind = AnswerKind::Snapshot { count, since };
        let bytes = payloads.iter().map(Bytes::len).sum();
        let head = answer_head(self.core, self.id, topic, number, kind);
        self.put(head.pack_announcing(bytes)?).await?;
        if let Some(left_out) = left_out {
            self.put(left_out).await?;
        }
        for payload in payloads {
            self.put(Envelope { topic: topic.clone(), payload }).await?;
        }
        self.core.readings.snapshots.add(1);
        self.core.readings.snapshot_rows.add(count);
        Ok(())
    }

    /// What says how many events after the asker's position are in no snapshot; `None` if there are none. Who has nothing
    /// was promised none of them.
    fn left_out(&self, topic: &Topic, from: Position, number: u64) -> Result<Option<Envelope>> {
        let size = self.core.snapshots.follower().cache.size_of(topic.as_bytes(), from.number);
        let events = size.map_or(0, |(_, others)| others);
        if from.number == 0 || events == 0 {
            return Ok(None);
        }
        let (publisher, epoch) = (self.core.incarnation.publisher, self.core.incarnation.epoch);
        let stamp = Stamp { publisher, epoch, sequence: number, time_us: self.core.now().wall_us };
        let cause = "no_rows".to_owned();
        Lost { topic: topic.clone(), stamp, events, cause }.pack().map(Some)
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

/// Puts what was gathered into the asker's stream, if there is anything.
pub(super) async fn put(core: &Core, peer: PeerId, batch: &mut Batch) -> Result<()> {
    match core.driver.requests() {
        Some(requests) if !batch.is_empty() => requests.answer(peer, batch).await,
        _ => Ok(()),
    }
}
