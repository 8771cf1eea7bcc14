use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt;
use pubsub_api::{Batch, EncodedEvent, Envelope, Error, ErrorKind, PublisherEpoch, Result};
use sealing::EventSealer;

use super::block::Block;
use super::session::Session;
use super::topics::{Found, State, Topics};
use crate::publisher::announce::mark_schedule::MarkSchedule;
use crate::publisher::numbering::stamper::Stamper;
use crate::publisher::numbering::topics::TopicId;
use crate::wall_clock::wall_us;
use crate::{Control, LossRecord};

/// Numbers events and sends them to the driver, one batch at a time; only its holder sends.
///
/// A sequence is used up when its event was published, or may have been. The plan lists what the driver has in hand; if its
/// sender was cancelled, the next one settles it.
#[derive(Debug)]
pub(super) struct Outgoing {
    publisher_epoch: PublisherEpoch,
    pub(super) topics: Topics,
    pub(super) schedule: MarkSchedule,
    pub(super) stamper: Stamper,
    pub(super) block: Block,
    pub(super) plan: Vec<Planned>,
    /// Passed to the driver, and not yet accepted.
    pending: Batch,
    tick: u64,
}

/// One entry of the batch that the driver has in hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Planned {
    Event(TopicId, u64),
    Lost(TopicId),
    Mark,
    Bye,
}

/// The result of a batch.
#[derive(Debug)]
pub(super) struct Outcome {
    /// The number of accepted events, all before the one that failed.
    pub(super) accepted: usize,
    pub(super) failure: Option<Failure>,
}

#[derive(Debug)]
pub(super) enum Failure {
    /// The event after the accepted ones was refused, or is in doubt.
    Event(Error),
    /// The driver accepts nothing at this time: all events that were not accepted have failed.
    Driver(Error),
}

/// The interval of marks of idle topics on a broker.
const IDLE_MARKS: Duration = Duration::from_secs(60);

impl Outgoing {
    pub(super) fn new(
        publisher_epoch: PublisherEpoch,
        max_topics: usize,
        sealer: Option<EventSealer>,
    ) -> Self {
        Self {
            publisher_epoch,
            topics: Topics::new(max_topics),
            schedule: MarkSchedule::every(IDLE_MARKS),
            stamper: Stamper::new(sealer),
            block: Block::default(),
            plan: Vec::new(),
            pending: Batch::new(),
            tick: 0,
        }
    }

    /// Begins a batch. Events that an earlier batch left with the driver, because its sender was cancelled or panicked, are in
    /// doubt.
    pub(super) fn begin(&mut self, session: &Session) {
        if !self.plan.is_empty() {
            let error = Error::new(ErrorKind::InDoubt, "sending was cancelled before the broker replied");
            self.settle(session, Some(error), true);
        }
        self.tick += 1;
        let PublisherEpoch { publisher, epoch } = self.publisher_epoch;
        self.stamper.begin(publisher, epoch, wall_us());
    }

    /// Numbers a checked event in this batch; `false` if its topic has no room in it.
    pub(super) fn plan_event(&mut self, event: EncodedEvent<'_>, session: &Session) -> bool {
        // Both were checked.
        let Ok(map) = self.stamper.read(event.payload) else { return false };
        let Ok(Some(found)) = self.topics.find_or_add(event.topic, self.tick) else { return false };
        let Found { id, is_new, retired } = found;
        if is_new {
            self.schedule.forget(id);
        }
        if let Some(retired) = retired {
            session.metrics.retired.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            self.plan_bye(&retired);
        }
        self.plan_lost(id);
        let Some(state) = self.topics.get_mut(id) else { return false };
        state.planned += 1;
        let number = state.planned;
        self.block.put(event.topic, &map, &mut self.stamper, number);
        self.plan.push(Planned::Event(id, number));
        true
    }

    /// Plans the loss record that is owed on a topic, before anything else on it.
    pub(super) fn plan_lost(&mut self, id: TopicId) {
        let Some(state) = self.topics.get(id) else { return };
        // Only the first entry of a topic in a batch can follow it.
        let Some(number) = state.owed.filter(|_| state.planned == state.last) else { return };
        let stamp = self.stamper.stamp(number);
        let lost = LossRecord { topic: state.topic.clone(), stamp, events: 1, cause: "in_doubt".to_owned() };
        self.plan_envelope(Planned::Lost(id), lost.pack());
    }

    fn plan_bye(&mut self, state: &State) {
        if state.is_used() {
            self.plan_envelope(Planned::Bye, Control::pack_bye(&state.topic, self.stamper.stamp(state.last)));
        }
    }

    /// Plans a `bye` on a topic.
    pub(super) fn plan_bye_of(&mut self, id: TopicId) {
        let Some(state) = self.topics.get(id).filter(|state| state.is_used()) else { return };
        let bye = Control::pack_bye(&state.topic, self.stamper.stamp(state.last));
        self.plan_envelope(Planned::Bye, bye);
    }

    pub(super) fn plan_envelope(&mut self, planned: Planned, envelope: Result<Envelope>) {
        // These envelopes are far below the limits.
        if let Ok(envelope) = envelope {
            self.block.put_whole(&envelope);
            self.plan.push(planned);
        }
    }

    /// Sends the planned batch to the driver, and waits for its result. `is_last`: whether events that the driver leaves are
    /// not sent again.
    ///
    /// # Cancel safety
    /// If the future is dropped, the next batch begins with settling this one.
    pub(super) async fn send(&mut self, session: &Session, is_last: bool) -> Outcome {
        self.block.finish(&mut self.pending);
        let sent = AssertUnwindSafe(session.driver.send_batch(&mut self.pending)).catch_unwind().await;
        let error = match sent {
            Ok(Ok(())) if self.pending.is_empty() => None,
            Ok(Ok(())) => Some(Error::new(
                ErrorKind::Internal,
                "the driver did not send all events and returned no error",
            )),
            Ok(Err(error)) => Some(error),
            Err(_) => Some(Error::new(ErrorKind::InDoubt, "the driver panicked before the broker replied")),
        };
        self.settle(session, error, is_last)
    }

    /// The number of planned events that the driver has accepted.
    pub(super) fn taken(&self) -> usize {
        let taken = self.plan.len().saturating_sub(self.pending.len());
        let is_event = |planned: &&Planned| matches!(planned, Planned::Event(..));
        self.plan.iter().take(taken).filter(is_event).count()
    }

    fn settle(&mut self, session: &Session, error: Option<Error>, is_last: bool) -> Outcome {
        let accepted = self.taken();
        let taken = self.plan.len().saturating_sub(self.pending.len());
        self.pending.clear();
        let plan = std::mem::take(&mut self.plan);
        let (done, left) = plan.split_at(taken);
        for planned in done {
            self.accepted(*planned, session);
        }
        let failure = match (left, error) {
            ([first, rest @ ..], Some(error)) => {
                let rest = if is_last { rest } else { &[] };
                self.failed(*first, rest, error, session)
            }
            _ => None,
        };
        for planned in &plan {
            if let Planned::Event(id, _) = planned
                && let Some(state) = self.topics.get_mut(*id)
            {
                state.planned = state.last;
            }
        }
        session.metrics.topics.store(self.topics.len(), std::sync::atomic::Ordering::Relaxed);
        Outcome { accepted, failure }
    }

    fn accepted(&mut self, planned: Planned, session: &Session) {
        match planned {
            Planned::Event(id, number) => {
                self.use_up(id, number, session);
                session.metrics.published.add(1);
            }
            Planned::Lost(id) => self.reported(id),
            Planned::Mark => session.metrics.marks.add(1),
            Planned::Bye => session.metrics.byes.add(1),
        }
    }

    fn use_up(&mut self, id: TopicId, number: u64, session: &Session) {
        if let Some(state) = self.topics.get_mut(id) {
            state.last = state.last.max(number);
        }
        self.schedule.touch(id, session.since_start());
    }

    fn reported(&mut self, id: TopicId) {
        if let Some(state) = self.topics.get_mut(id) {
            state.owed = None;
        }
    }

    fn failed(
        &mut self,
        first: Planned,
        rest: &[Planned],
        error: Error,
        session: &Session,
    ) -> Option<Failure> {
        let of_driver =
            matches!(error.kind(), ErrorKind::Unavailable | ErrorKind::Overloaded | ErrorKind::Closed);
        match first {
            Planned::Event(id, number) if error.kind() == ErrorKind::InDoubt => {
                self.doubt(id, number, rest, session);
            }
            // If the record is in doubt or refused for good, the sequences alone show that an event is missing.
            Planned::Lost(id) if !of_driver => {
                self.reported(id);
                session.metrics.lost_unsent.add(1);
            }
            Planned::Event(..) | Planned::Lost(_) | Planned::Mark | Planned::Bye => {}
        }
        if let Planned::Event(id, _) = first {
            let topic = self.topics.get(id).map_or(&b""[..], |state| state.topic.as_bytes());
            session.metrics.refuse(topic, error.kind().as_str(), &error);
        }
        match (of_driver, first) {
            (true, _) => Some(Failure::Driver(error)),
            (false, Planned::Event(..)) => Some(Failure::Event(error)),
            (false, _) => None,
        }
    }

    /// Uses up the sequence of an event that may have been published, and owes subscribers a loss record. Later events of the
    /// batch that are not sent again lose their sequences as well: if the driver had sent one of them against its contract, two
    /// events would have one sequence, and subscribers would drop the second silently.
    fn doubt(&mut self, id: TopicId, number: u64, rest: &[Planned], session: &Session) {
        session.metrics.in_doubt.add(1);
        self.use_up(id, number, session);
        if let Some(state) = self.topics.get_mut(id) {
            state.owed = Some(number);
        }
        for planned in rest {
            if let Planned::Event(id, number) = planned {
                self.use_up(*id, *number, session);
            }
        }
    }
}
