use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use pubsub_api::Envelope;
use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval};

use crate::pubsub::connection::{Connection, Exchanged};
use crate::pubsub::denied::ChannelAction;
use crate::pubsub::nodes::Nodes;
use crate::pubsub::server_report::role_of;
use crate::pubsub::wire::{Bounds, RespFrame, command};
use crate::servers::{Endpoint, Role};

/// No further windows are accepted while this many bytes wait to be written.
const OUT_BYTES: usize = 256 * 1024;

/// Events that are sent together, with the permits for their room.
#[derive(Debug)]
pub(super) struct Window {
    pub(super) events: VecDeque<Envelope>,
    pub(super) _room: [Option<OwnedSemaphorePermit>; 2],
}

/// The result of a window: its answers, and the events without one.
#[derive(Debug)]
pub(super) struct WindowResult {
    pub(super) answers: Vec<EventResult>,
    pub(super) rest: Window,
    /// Why answers are missing, if any are.
    pub(super) lost: Option<Lost>,
}

/// The node's answer to one event.
#[derive(Debug)]
pub(super) enum EventResult {
    /// The node accepted it.
    Accepted,
    /// The node refused it.
    Refused(pubsub_api::Error),
}

/// Why answers are missing.
#[derive(Debug, Clone)]
pub(super) struct Lost {
    pub(super) why: String,
    /// Whether the first event without an answer was written.
    pub(super) in_doubt: bool,
}

#[derive(Debug)]
struct Job {
    window: Window,
    done: oneshot::Sender<WindowResult>,
}

/// The connection of a publisher, which all callers share: their events are pipelined on it.
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
    /// Starts the task that serves a connection. At most `waiting` windows wait for it.
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

    /// Whether the connection is up, as far as is known.
    pub(super) fn is_up(&self) -> bool {
        !self.jobs.is_closed()
    }

    /// Ends the connection at once.
    pub(super) fn end(&self) {
        self.task.abort();
    }

    /// Sends the events of a window and waits for the answers. `None` if the connection was ended before the result was
    /// known.
    pub(super) async fn publish(&self, window: Window) -> Option<WindowResult> {
        let (done, answered) = oneshot::channel();
        match self.jobs.send(Job { window, done }).await {
            Ok(()) => answered.await.ok(),
            Err(refused) => Some(not_sent(refused.0.window)),
        }
    }
}

fn not_sent(rest: Window) -> WindowResult {
    let lost = Lost { why: "the connection has just ended".to_owned(), in_doubt: false };
    WindowResult { answers: Vec::new(), rest, lost: Some(lost) }
}

/// A window that was written to the connection.
struct Pending {
    job: Job,
    answers: Vec<EventResult>,
    /// For each event without an answer, the stream position at the end of its command.
    ends: VecDeque<u64>,
    /// The stream position at the end of the first command, if the answers count only after the server has confirmed that it is
    /// a master.
    unproven_from: Option<u64>,
}

impl Pending {
    /// Number of events at the front of the window that are answered, but wait for the confirmation of the role.
    fn done_events(&self) -> usize {
        if self.unproven_from.is_some() { self.answers.len() } else { 0 }
    }

    /// The result of the window, if the connection ended after `written` bytes.
    fn lost(self, why: String, written: u64) -> (oneshot::Sender<WindowResult>, WindowResult) {
        let Self { job: Job { window, done }, answers, ends, unproven_from } = self;
        let first = unproven_from.or(ends.front().copied());
        let lost = Some(Lost { why, in_doubt: first.is_some_and(|end| end <= written) });
        let answers = if unproven_from.is_some() { Vec::new() } else { answers };
        (done, WindowResult { answers, rest: window, lost })
    }
}

/// The task's side of the queue.
///
/// A standalone server may become a replica at any time; then it still accepts events, but they do not reach its master. So
/// ROLE follows each window: its events count as accepted if the server was still a master after the last of them.
struct LinkEnd {
    connection: Connection,
    /// Whether ROLE follows each window.
    proves: bool,
    queue: mpsc::Receiver<Job>,
    pending: VecDeque<Pending>,
    dead_after: Duration,
    /// Thirds of `dead_after` without input while an answer is due.
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
            // The caller may have stopped waiting; ignore.
            let _ = done.send(answered);
        }
        while let Ok(job) = self.queue.try_recv() {
            let _ = job.done.send(not_sent(job.window));
        }
    }

    /// Runs until the connection ends; returns the reason.
    async fn serve(&mut self, nodes: &Nodes) -> String {
        let node = self.connection.node.clone();
        let mut left = std::pin::pin!(nodes.until_left(&node));
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
                    // Either the publisher was dropped, or later windows go to another node.
                    None if leaving.is_none() => leaving = Some("the publisher was closed".to_owned()),
                    None => std::future::pending().await,
                },
                _ = ticks.tick(), if !self.pending.is_empty() => {
                    self.quiet_ticks += 1;
                    if self.quiet_ticks > TICKS {
                        return format!("no data for {:?} (dead_after)", self.dead_after);
                    }
                }
                why = &mut left, if leaving.is_none() => {
                    tracing::warn!(id = "SK0903", "the publisher disconnects from {}: {why}", self.connection.endpoint());
                    // Windows that were accepted are still answered.
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

    /// Assigns an answer to the first window that lacks one.
    fn answered(&mut self, frame: RespFrame) -> Result<(), String> {
        let unasked = || "the server sent an unexpected answer".to_owned();
        let pending = self.pending.front_mut().ok_or_else(unasked)?;
        let Some(event) = pending.job.window.events.get(pending.done_events()) else {
            return self.proven(&frame);
        };
        let answer = match frame {
            RespFrame::Int(_) => EventResult::Accepted,
            RespFrame::Refused(line) => EventResult::Refused(self.connection.refused_on(
                ChannelAction::Publish,
                event.topic.as_bytes(),
                &line,
            )),
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

    /// Handles the answer to ROLE, which follows those to the events of a window.
    fn proven(&mut self, answer: &RespFrame) -> Result<(), String> {
        match role_of(answer) {
            Some(Role::Replica { of, .. }) => Err(format!("it is a replica of {of} now")),
            // A user that lost the right to ask is trusted like one that never had it.
            _ => {
                self.complete();
                Ok(())
            }
        }
    }

    fn complete(&mut self) {
        if let Some(Pending { job: Job { mut window, done }, answers, .. }) = self.pending.pop_front() {
            window.events.clear();
            let _ = done.send(WindowResult { answers, rest: window, lost: None });
        }
    }
}
