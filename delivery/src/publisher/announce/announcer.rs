use std::future::pending;
use std::sync::Arc;

use pubsub_api::hello::HELLO_INTERVAL;
use pubsub_api::{
    Batch, Envelope, ErrorKind, HELLO, MARK_PREFIX, PeerId, Result, SubscribersSeen, SubscriptionSeen,
    TopicRights,
};
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};

use crate::publisher::core::Core;
use crate::publisher::numbering::topics::TopicId;
use crate::publisher::supervise::supervise;
use crate::wire::hello;

/// The most marks that are sent at once; then other tasks have their turn.
const MARKS_AT_ONCE: usize = 256;

/// Sends `$hello` every second, and each topic's marks when they are due, in tasks of the current runtime.
///
/// Where the driver [sees subscribers](pubsub_api::Publisher::subscribers_seen), a new subscription to marks is answered at
/// once, to that subscriber alone, with the marks of its topics, and one to `$hello` with a hello; so its state is confirmed
/// without waiting for a timer. A message that the driver refuses is skipped: the next one follows.
///
/// # Errors
/// [`ErrorKind::Invalid`] if the id is too long to be packed.
pub(crate) fn start(core: &Arc<Core>, publisher_id: &str, tasks: &mut JoinSet<()>) -> Result<()> {
    let hello = Hello { core: Arc::clone(core), publisher_id: publisher_id.into() };
    hello.pack()?;
    let every_second = hello.clone();
    tasks.spawn(supervise("hellos", move || say_hello(every_second.clone())));
    let of_marks = Arc::clone(core);
    tasks.spawn(supervise("marks", move || announce(Arc::clone(&of_marks), hello.clone())));
    Ok(())
}

/// The hello of a publisher.
#[derive(Debug, Clone)]
struct Hello {
    core: Arc<Core>,
    publisher_id: Arc<str>,
}

impl Hello {
    /// The hello at this moment: the driver has received all events of the topics that are retired by now.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] if the id is too long to be packed.
    fn pack(&self) -> Result<Envelope> {
        let first_sequence = self.core.sequencer().publisher_state.topics.floor().saturating_add(1);
        let takes_reports = self.core.driver.requests().is_some();
        hello::packed(&self.publisher_id, self.core.publisher_epoch, first_sequence, takes_reports)
    }

    async fn send_to_all(&self) {
        let sent = match self.pack() {
            Ok(hello) => self.core.driver.send(&hello.topic, hello.payload).await,
            Err(error) => Err(error),
        };
        match sent {
            Ok(()) => self.core.metrics.hellos.add(1),
            Err(error) => {
                tracing::warn!(
                    id = "SK0201",
                    "could not send this hello: {error}; the next one follows in a second"
                )
            }
        }
    }

    fn send_to(&self, subscribers: &dyn SubscribersSeen, peer: PeerId) {
        let sent = self.pack().is_ok_and(|hello| subscribers.send_to(peer, &hello.topic, &hello.payload));
        if !sent {
            tracing::debug!(%peer, "could not send a hello to a new subscriber: it has disconnected, or its queue is full");
        }
    }
}

/// Sends all pending events to the driver, and the final marks of all topics.
///
/// # Errors
/// [`ErrorKind::Closed`] of the driver, if something is still pending.
pub(crate) async fn finish(core: &Core) -> Result<()> {
    let outgoing = &mut *core.outgoing.lock().await;
    core.send_pending(outgoing).await?;
    let ids: Vec<_> = core.sequencer().publisher_state.topics.ids().collect();
    for ids in ids.chunks(MARKS_AT_ONCE) {
        let mut marks = packed(core, ids.iter().copied());
        if let Err(error) = core.driver.send_batch(&mut marks).await {
            tracing::warn!(id = "SK0201", "could not send the final marks: {error}");
            break;
        }
        tokio::task::yield_now().await;
    }
    Ok(())
}

/// Sends a hello every second, independently of all other tasks.
async fn say_hello(hello: Hello) {
    let mut ticks = interval(HELLO_INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        hello.send_to_all().await;
    }
}

async fn announce(core: Arc<Core>, hello: Hello) {
    let mut subscribers = core.driver.subscribers_seen();
    // One more hello to all per second is enough: peers that connect and disconnect must not make us flood the others.
    let mut missed_at: Option<Instant> = None;
    loop {
        tokio::select! {
            () = next_marks(&core) => say_marks(&core).await,
            seen = next_seen(subscribers) => match (seen, subscribers) {
                (Ok(SubscriptionSeen::Missed { .. }), _) => {
                    if missed_at.is_none_or(|missed| missed.elapsed() >= HELLO_INTERVAL) {
                        missed_at = Some(Instant::now());
                        core.sequencer().schedule.all_soon(core.now().since_start, fastrand::f64);
                        hello.send_to_all().await;
                    }
                }
                (Ok(SubscriptionSeen::Subscribed { peer, prefix, rights }), Some(subscribers)) => {
                    greet(&core, &Newcomer { subscribers, peer, rights }, &prefix, &hello).await;
                }
                (Ok(_), _) => {}
                (Err(error), _) => {
                    if error.kind() != ErrorKind::Closed {
                        tracing::warn!(id = "SK0202", "cannot see new subscribers: {error}; they get the next periodic hello (up to 1 s)");
                    }
                    subscribers = None;
                }
            }
        }
    }
}

/// The next subscription that the driver sees; waits for ever if the driver sees none.
async fn next_seen(subscribers: Option<&dyn SubscribersSeen>) -> Result<SubscriptionSeen> {
    match subscribers {
        Some(subscribers) => subscribers.next().await,
        None => pending().await,
    }
}

/// Waits until a mark is due.
async fn next_marks(core: &Core) {
    loop {
        let due = core.sequencer().next_due().map(|due| core.instant(due));
        let due = async {
            match due {
                Some(due) => sleep_until(due).await,
                None => pending().await,
            }
        };
        tokio::select! {
            () = due => return,
            () = core.marks_sooner.notified() => {}
        }
    }
}

async fn say_marks(core: &Core) {
    loop {
        // After the events that they count, never before.
        let outgoing = core.outgoing.lock().await;
        if !outgoing.pending.is_empty() {
            return;
        }
        let now = core.now();
        let due = core.sequencer().schedule.take_due(now.since_start, MARKS_AT_ONCE, fastrand::f64);
        let byes = core.sequencer().byes_due(now, MARKS_AT_ONCE);
        if due.is_empty() && byes.is_empty() {
            return;
        }
        let mut marks = packed(core, due.into_iter());
        marks.extend(byes);
        let count = marks.len();
        let sent = core.driver.send_batch(&mut marks).await;
        let unsent = marks.len();
        core.metrics.marks.add(number(count - unsent));
        core.metrics.marks_unsent.add(number(unsent));
        if let Err(error) = sent {
            tracing::debug!(unsent, "could not send marks: {error}; they are sent again at their next time");
        }
        drop(outgoing);
        tokio::task::yield_now().await;
    }
}

/// A peer with a new subscription.
struct Newcomer<'a> {
    subscribers: &'a dyn SubscribersSeen,
    peer: PeerId,
    rights: TopicRights,
}

/// Sends a new subscriber what it subscribed to: the marks of its topics, and then the hello.
async fn greet(core: &Core, newcomer: &Newcomer<'_>, prefix: &[u8], hello: &Hello) {
    if let Some(prefix) = prefix.strip_prefix(MARK_PREFIX) {
        say_marks_to(core, newcomer, prefix).await;
    } else if MARK_PREFIX.starts_with(prefix) {
        say_marks_to(core, newcomer, b"").await;
    }
    if HELLO.as_bytes().starts_with(prefix) {
        hello.send_to(newcomer.subscribers, newcomer.peer);
    }
}

async fn say_marks_to(core: &Core, newcomer: &Newcomer<'_>, prefix: &[u8]) {
    let mut from = Vec::new();
    loop {
        let outgoing = core.outgoing.lock().await;
        let ids: Vec<_> =
            core.sequencer().publisher_state.topics.covered(prefix, &from).take(MARKS_AT_ONCE).collect();
        let marks = packed(core, ids.iter().copied());
        for mark in envelopes(marks).filter(|mark| newcomer.rights.allows(&mark.topic)) {
            if !newcomer.subscribers.send_to(newcomer.peer, &mark.topic, &mark.payload) {
                return;
            }
            core.metrics.marks.add(1);
        }
        drop(outgoing);
        let last = ids.last().filter(|_| ids.len() == MARKS_AT_ONCE);
        let Some(next) = last.and_then(|last| name_after(core, *last)) else { return };
        from = next;
        tokio::task::yield_now().await;
    }
}

/// The lowest name after that of a topic.
fn name_after(core: &Core, id: TopicId) -> Option<Vec<u8>> {
    let sequencer = core.sequencer();
    Some([sequencer.publisher_state.topics.get(id)?.topic.as_bytes(), b"\0"].concat())
}

fn packed(core: &Core, ids: impl Iterator<Item = TopicId>) -> Batch {
    let now = core.now();
    let sequencer = core.sequencer();
    let mut marks = Batch::new();
    marks.extend(ids.filter_map(|id| sequencer.mark(id, now.wall_us)?.pack().ok()));
    marks
}

fn envelopes(mut batch: Batch) -> impl Iterator<Item = Envelope> {
    std::iter::from_fn(move || {
        let first = batch.first_envelope()?.ok();
        batch.advance(1);
        first
    })
}

fn number(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}
