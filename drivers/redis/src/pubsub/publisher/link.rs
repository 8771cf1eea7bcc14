use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use pubsub_api::Envelope;
use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval};

use crate::pubsub::connection::{Connection, Exchanged};
use crate::pubsub::denied::Wish;
use crate::pubsub::nodes::Nodes;
use crate::pubsub::server_report::role_of;
use crate::pubsub::wire::{Bounds, Frame, command};
use crate::servers::{Endpoint, Role};

/// No more windows are taken while so much is to be written.
const OUT_BYTES: usize = 256 * 1024;

/// Events that go out together, with the room that they take.
#[derive(Debug)]
pub(super) struct Window {
    pub(super) events: VecDeque<Envelope>,
    pub(super) _room: [Option<OwnedSemaphorePermit>; 2],
}

/// What became of a window: the answers that came, the events that have none.
#[derive(Debug)]
pub(super) struct Answered {
    pub(super) answers: Vec<Answer>,
    pub(super) rest: Window,
    /// Why there are no more answers, if some are wanting.
    pub(super) lost: Option<Lost>,
}

/// What the node said of one event.
#[derive(Debug)]
pub(super) enum Answer {
    /// It took it.
    Accepted,
    /// It did not.
    Refused(pubsub_api::Error),
}

/// Why answers are wanting.
#[derive(Debug, Clone)]
pub(super) struct Lost {
    pub(super) why: String,
    /// Whether the first of the events without an answer was written.
    pub(super) in_doubt: bool,
}

#[derive(Debug)]
struct Job {
    window: Window,
    done: oneshot::Sender<Answered>,
}

/// The connection of a publisher, which all callers share: what they send is pipelined on it.
#[derive(Debug)]
pub(super) struct PubLink {
    jobs: mpsc::Sender<Job>,
    task: JoinHandle<()>,
    pub(super) endpoint: Endpoint,
}

impl Drop for PubLink {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl PubLink {
    /// Serves a connection. `waiting` bounds how many windows wait for it.
    pub(super) fn start(
        mut connection: Connection,
        nodes: Arc<Nodes>,
        waiting: usize,
        dead_after: Duration,
    ) -> Self {
        let (jobs, queue) = mpsc::channel(waiting);
        let endpoint = connection.endpoint().clone();
        connection.expect(Bounds::ROLE);
        let proves = connection.node.answers_role();
        let end = LinkEnd { connection, proves, queue, pending: VecDeque::new(), dead_after, quiet_ticks: 0 };
        Self { jobs, task: tokio::spawn(end.run(nodes)), endpoint }
    }

    /// Whether the connection is there, as far as is known.
    pub(super) fn is_up(&self) -> bool {
        !self.jobs.is_closed()
    }

    /// Cuts it off.
    pub(super) fn end(&self) {
        self.task.abort();
    }

    /// Sends the events of a window and waits for the answers. `None` if the link was cut off before it could say what became
    /// of them.
    pub(super) async fn publish(&self, window: Window) -> Option<Answered> {
        let (done, answered) = oneshot::channel();
        match self.jobs.send(Job { window, done }).await {
            Ok(()) => answered.await.ok(),
            Err(refused) => Some(not_sent(refused.0.window)),
        }
    }
}

fn not_sent(rest: Window) -> Answered {
    let lost = Lost { why: "the connection has just ended".to_owned(), in_doubt: false };
    Answered { answers: Vec::new(), rest, lost: Some(lost) }
}

/// A window that was given to the connection.
struct Pending {
    job: Job,
    answers: Vec<Answer>,
    /// For each event without an answer, where in the stream its command ends.
    ends: VecDeque<u64>,
    /// Where in the stream the first command ends, if all the answers count only after the server has said that it is a
    /// master.
    unproven_from: Option<u64>,
}

impl Pending {
    /// How many of the events at the front of the window are answered already, and stay for lack of a proof.
    fn done_events(&self) -> usize {
        if self.unproven_from.is_some() { self.answers.len() } else { 0 }
    }

    /// What became of the window on a connection that ended after so many bytes were written.
    fn lost(self, why: String, written: u64) -> (oneshot::Sender<Answered>, Answered) {
        let Self { job: Job { window, done }, answers, ends, unproven_from } = self;
        let first = unproven_from.or(ends.front().copied());
        let lost = Some(Lost { why, in_doubt: first.is_some_and(|end| end <= written) });
        let answers = if unproven_from.is_some() { Vec::new() } else { answers };
        (done, Answered { answers, rest: window, lost })
    }
}

/// The other end of the queue.
///
/// A server alone may become a replica at any time, and goes on to accept what reaches nobody at its master then. So each
/// window is followed by ROLE: its events count as accepted if the server was still a master after the last of them.
struct LinkEnd {
    connection: Connection,
    /// Whether the server is asked for its role.
    proves: bool,
    queue: mpsc::Receiver<Job>,
    pending: VecDeque<Pending>,
    dead_after: Duration,
    /// Thirds of `dead_after` for which an answer is due and nothing came.
    quiet_ticks: u32,
}

const TICKS: u32 = 3;

impl LinkEnd {
    async fn run(mut self, nodes: Arc<Nodes>) {
        let why = self.serve(&nodes).await;
        tracing::debug!("the connection of the publisher to {} ended: {why}", self.connection.endpoint());
        self.queue.close();
        for pending in std::mem::take(&mut self.pending) {
            let (done, answered) = pending.lost(why.clone(), self.connection.written());
            // A caller that does not wait any more does not want to know.
            let _ = done.send(answered);
        }
        while let Ok(job) = self.queue.try_recv() {
            let _ = job.done.send(not_sent(job.window));
        }
    }

    /// Until the connection ends; why it did.
    async fn serve(&mut self, nodes: &Nodes) -> String {
        let node = self.connection.node.clone();
        let mut left = std::pin::pin!(nodes.left(&node));
        let mut leaving: Option<String> = None;
        let mut ticks = interval(self.dead_after / TICKS);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            if let Some(why) = leaving.take_if(|_| self.pending.is_empty() && self.queue.is_empty()) {
                return why;
            }
            tokio::select! {
                exchanged = self.connection.exchange() => match exchanged.map(|done| self.exchanged(done)) {
                    Ok(Ok(())) => {}
                    Ok(Err(why)) | Err(why) => return why,
                },
                job = self.queue.recv(), if self.connection.out.len() < OUT_BYTES => match job {
                    Some(job) => self.take(job),
                    // Either the publisher is gone, or what follows goes to another node.
                    None if leaving.is_none() => leaving = Some("the publisher was closed".to_owned()),
                    None => std::future::pending().await,
                },
                _ = ticks.tick(), if !self.pending.is_empty() => {
                    self.quiet_ticks += 1;
                    if self.quiet_ticks > TICKS {
                        return format!("nothing came for {:?} (dead_after)", self.dead_after);
                    }
                }
                why = &mut left, if leaving.is_none() => {
                    tracing::warn!("the publisher leaves {}: {why}", self.connection.endpoint());
                    // What was taken is still answered.
                    self.queue.close();
                    leaving = Some(why);
                }
            }
        }
    }

    fn take(&mut self, job: Job) {
        if self.pending.is_empty() {
            self.quiet_ticks = 0;
        }
        let mut ends = VecDeque::with_capacity(job.window.events.len());
        for Envelope { topic, payload } in &job.window.events {
            command(&mut self.connection.out, &[b"PUBLISH", topic.as_bytes(), payload]);
            ends.push_back(self.connection.will_be_written());
        }
        let unproven_from = ends.front().copied().filter(|_| self.proves);
        if unproven_from.is_some() {
            command(&mut self.connection.out, &[b"ROLE"]);
        }
        self.pending.push_back(Pending { job, answers: Vec::new(), ends, unproven_from });
    }

    fn exchanged(&mut self, done: Exchanged) -> Result<(), String> {
        if done == Exchanged::Wrote {
            return Ok(());
        }
        self.quiet_ticks = 0;
        while let Some(frame) = self.connection.next_frame()? {
            self.answered(frame)?;
        }
        Ok(())
    }

    /// Gives an answer to the first window that lacks one.
    fn answered(&mut self, frame: Frame) -> Result<(), String> {
        let unasked = || "the server answered what it was not asked".to_owned();
        let pending = self.pending.front_mut().ok_or_else(unasked)?;
        let Some(event) = pending.job.window.events.get(pending.done_events()) else {
            return self.proven(&frame);
        };
        let answer = match frame {
            Frame::Int(_) => Answer::Accepted,
            Frame::Refused(line) => {
                Answer::Refused(self.connection.refused_on(Wish::Publish, event.topic.as_bytes(), &line))
            }
            other => return Err(format!("the server answered PUBLISH with {other:?}")),
        };
        pending.ends.pop_front();
        pending.answers.push(answer);
        if pending.unproven_from.is_none() {
            pending.job.window.events.pop_front();
            if pending.ends.is_empty() {
                self.complete();
            }
        }
        Ok(())
    }

    /// Takes the answer to ROLE, which stands after those to the events of a window.
    fn proven(&mut self, answer: &Frame) -> Result<(), String> {
        match role_of(answer) {
            Some(Role::Replica { of, .. }) => Err(format!("it is a replica of {of} now")),
            // A user whose right to ask was taken away is trusted as one that never had it.
            _ => {
                self.complete();
                Ok(())
            }
        }
    }

    fn complete(&mut self) {
        if let Some(Pending { job: Job { mut window, done }, answers, .. }) = self.pending.pop_front() {
            window.events.clear();
            let _ = done.send(Answered { answers, rest: window, lost: None });
        }
    }
}
