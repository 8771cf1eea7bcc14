mod heads;
mod peer_request;
mod plan;
mod replies;

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use pubsub_api::{PeerId, Request, Requests, Topic};
use tokio::task::{AbortHandle, Id, JoinSet};
use tokio::time::{MissedTickBehavior, interval};

use super::request_limits::RequestLimits;
use super::rows_server;
use super::sync_queue::{Admission, Origin, SyncQueue};
use crate::publisher::applied;
use crate::publisher::core::Core;
use crate::{AppliedReport, SyncReplyKind, SyncRequest};
use heads::{say_of_each, say_of_first};
use peer_request::{PeerRequest, read};
use replies::reply_to_all;

/// Serves requests for ever, if the driver carries any: each in a task of its own, so that a slow subscriber delays no other.
pub(crate) async fn serve(core: Arc<Core>) {
    let Some(requests) = core.driver.requests() else { return };
    let mut server = Server {
        core: &core,
        requests,
        limits: RequestLimits::default(),
        report_limits: RequestLimits::default(),
        queue: SyncQueue::default(),
        replying: JoinSet::new(),
        replies: HashMap::new(),
    };
    let mut ticks = interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            request = requests.next() => {
                let Ok(request) = request else { return };
                match read(&core, &request) {
                    Some(PeerRequest::Applied(report)) => server.note(&request, report),
                    Some(read) => server.take(&request, read),
                    None => {}
                }
            }
            Some(ended) = server.replying.join_next_with_id() => {
                server.ended(match ended {
                    Ok((task, ())) => task,
                    Err(error) => error.id(),
                });
            }
            _ = ticks.tick(), if !server.queue.is_idle() => server.judge(),
        }
        core.metrics.requests_waiting.store(server.queue.waiting(), Ordering::Relaxed);
    }
}

/// The interval at which replies are judged, and waiting peers are notified.
const TICK: Duration = Duration::from_secs(1);

/// The current replies, and the waiting requests.
struct Server<'a> {
    core: &'a Arc<Core>,
    requests: &'a dyn Requests,
    limits: RequestLimits,
    report_limits: RequestLimits,
    queue: SyncQueue<Arc<PeerRequest>>,
    replying: JoinSet<()>,
    replies: HashMap<PeerId, Underway>,
}

/// A reply that is being sent.
struct Underway {
    task: AbortHandle,
    taken: Arc<AtomicU64>,
}

impl Server<'_> {
    /// Notes how far an agent has applied events. Reports have a limit of their own, so that they cost an agent no request.
    fn note(&mut self, from: &Request, report: AppliedReport) {
        let (core, now) = (self.core, self.core.now().since_start);
        if self.report_limits.take_of_peer(from.peer, now).is_err() {
            return core.metrics.reports_limited.add(1);
        }
        let mut agents = core.agents();
        let sequencer = core.sequencer();
        let topics = &sequencer.publisher_state.topics;
        let last = |topic: &Topic| {
            let known = topics.named(topic.as_bytes()).filter(|_| from.rights.allows(topic));
            known.map(|state| state.sequence.last_position())
        };
        match agents.take(report, applied::Origin { peer: from.peer, address: &from.name }, last, now) {
            true => core.metrics.reports.add(1),
            false => core.metrics.reports_refused.add(1),
        }
        agents.sweep(|topic| topics.named(topic.as_bytes()).is_some(), now);
    }

    fn take(&mut self, from: &Request, mut request: PeerRequest) {
        let (core, peer, now) = (self.core, from.peer, self.core.now().since_start);
        if let Err((cause, retry_after)) = self.limits.take(from, now) {
            let reason = cause.replace('_', " ");
            if let Some(times) = core.metrics.limited.refuse(cause, &from.name, &reason, Instant::now()) {
                tracing::warn!(
                    id = "SK0308",
                    cause,
                    times,
                    "refused a SYNC request of {}: {reason}",
                    from.name
                );
            }
            return self.say_busy(peer, &request, retry_after);
        }
        if let Some(refused) = request.take_refused(&from.rights) {
            self.refuse(from, &refused);
        }
        if request.is_empty() {
            return;
        }
        match self.queue.offer(peer, Origin::of(from), Arc::new(request), now) {
            Admission::Start(request) => self.start(peer, request),
            Admission::Restart(request) => {
                if let Some(underway) = self.replies.remove(&peer) {
                    underway.task.abort();
                }
                self.start(peer, request);
            }
            Admission::Waits => {}
            Admission::Busy(request, retry_after) => self.say_busy(peer, &request, retry_after),
        }
    }

    fn say_busy(&self, peer: PeerId, request: &PeerRequest, retry_after: Duration) {
        let (core, requests) = (self.core, self.requests);
        match request {
            PeerRequest::Behind(request) => {
                core.metrics.busy.add(1);
                say_of_each(core, requests, peer, request, SyncReplyKind::Busy { retry_after });
            }
            PeerRequest::Rows(request, _) => rows_server::say_busy(core, requests, peer, request),
            PeerRequest::Applied(_) => {}
        }
    }

    /// Replies to topics that the subscriber has no right to. The replies are the same for topics that do not exist.
    fn refuse(&self, from: &Request, refused: &SyncRequest) {
        let core = self.core;
        let reason = format!("its key has no right to {} topics of a SYNC request", refused.items.len());
        let journal = &core.metrics.items_refused;
        if let Some(times) = journal.refuse("topic_right", &from.name, &reason, Instant::now()) {
            tracing::warn!(id = "SK0308", times, "refused {}: {reason}", from.name);
        }
        say_of_each(core, self.requests, from.peer, refused, SyncReplyKind::Refused);
    }

    fn start(&mut self, peer: PeerId, request: Arc<PeerRequest>) {
        let (core, taken) = (Arc::clone(self.core), Arc::<AtomicU64>::default());
        let task = self.replying.spawn(answer(core, peer, request, Arc::clone(&taken)));
        self.replies.insert(peer, Underway { task, taken });
    }

    /// A task has ended. An aborted one belongs to no peer any more.
    fn ended(&mut self, task: Id) {
        let peer =
            self.replies.iter().find(|(_, underway)| underway.task.id() == task).map(|(peer, _)| *peer);
        if let Some(peer) = peer {
            self.replies.remove(&peer);
            self.queue.finished(peer);
        }
        self.start_more();
    }

    fn start_more(&mut self) {
        while let Some((peer, request)) = self.queue.next(self.core.now().since_start) {
            self.start(peer, request);
        }
    }

    /// Drops replies that are far too slow, begins others, and notifies waiting peers.
    fn judge(&mut self) {
        let now = self.core.now().since_start;
        let replies = &self.replies;
        let taken = |peer| replies.get(&peer).map_or(0, |underway| underway.taken.load(Ordering::Relaxed));
        for peer in self.queue.judge(now, taken) {
            self.core.metrics.too_slow.add(1);
            tracing::info!(id = "SK0309", %peer, "dropped a SYNC reply: too many subscribers read slowly, and this one reads slowest; it will request again");
            if let Some(underway) = self.replies.remove(&peer) {
                underway.task.abort();
            }
            self.queue.finished(peer);
        }
        self.start_more();
        for (peer, request) in self.queue.overdue(now) {
            if let PeerRequest::Behind(request) = &**request {
                say_of_first(self.core, self.requests, peer, request);
            }
        }
    }
}

/// Replies to a request.
async fn answer(core: Arc<Core>, peer: PeerId, asked: Arc<PeerRequest>, taken: Arc<AtomicU64>) {
    let replying = async {
        match &*asked {
            PeerRequest::Behind(request) => reply_to_all(&core, peer, request, &taken).await,
            PeerRequest::Rows(request, rights) => {
                rows_server::answer(&core, peer, request, rights, &taken).await
            }
            PeerRequest::Applied(_) => Ok(()),
        }
    };
    let answered = AssertUnwindSafe(replying).catch_unwind().await;
    match answered {
        Ok(Ok(())) => {}
        Ok(Err(error)) => {
            core.metrics.unanswered.add(1);
            tracing::debug!(%peer, "could not send a SYNC reply: {error}");
        }
        Err(_) => {
            core.metrics.unanswered.add(1);
            tracing::error!(id = "SK0310", %peer, "the task of a SYNC reply panicked; the subscriber will request again");
        }
    }
}
