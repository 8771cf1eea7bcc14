use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt;
use pubsub_api::{Batch, EncodedEvent, Envelope, Error, ErrorKind, Incarnation, Result};

use super::block::Block;
use super::session::Session;
use super::topics::{Found, State, Topics};
use crate::publisher::announce::mark_schedule::MarkSchedule;
use crate::publisher::numbering::stamp_pair::StampPair;
use crate::publisher::numbering::topics::TopicId;
use crate::publisher::ring::record_builder::stampable;
use crate::publisher::wall_clock::wall_us;
use crate::{Control, LossRecord};

/// What numbers events and gives them to the driver, one batch at a time: whoever has it is the only one that sends.
///
/// A number is used up when its event was published, or may have been. What the driver has in hand is in the plan, and if
/// the one who sent it is gone, the next one settles that.
#[derive(Debug)]
pub(super) struct Outgoing {
    incarnation: Incarnation,
    pub(super) topics: Topics,
    pub(super) schedule: MarkSchedule,
    pub(super) pair: StampPair,
    pub(super) block: Block,
    pub(super) plan: Vec<Planned>,
    /// Given to the driver, and not yet accepted.
    pending: Batch,
    tick: u64,
}

/// One entry of what the driver has in hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Planned {
    Event(TopicId, u64),
    Lost(TopicId),
    Mark,
    Bye,
}

/// What became of a batch.
#[derive(Debug)]
pub(super) struct Outcome {
    /// How many events were accepted, all before what failed.
    pub(super) accepted: usize,
    pub(super) failure: Option<Failure>,
}

#[derive(Debug)]
pub(super) enum Failure {
    /// The event behind those that were accepted was refused, or is in doubt.
    Event(Error),
    /// The driver takes nothing at this time: this concerns all that were not accepted.
    Driver(Error),
}

/// Marks of idle topics on a broker.
const IDLE_MARKS: Duration = Duration::from_secs(60);

impl Outgoing {
    pub(super) fn new(incarnation: Incarnation, max_topics: usize) -> Self {
        Self {
            incarnation,
            topics: Topics::new(max_topics),
            schedule: MarkSchedule::every(IDLE_MARKS),
            pair: StampPair::default(),
            block: Block::default(),
            plan: Vec::new(),
            pending: Batch::new(),
            tick: 0,
        }
    }

    /// Begins a batch. What an earlier one left in the driver's hand, because its sender was cancelled or failed, is in
    /// doubt.
    pub(super) fn begin(&mut self, session: &Session) {
        if !self.plan.is_empty() {
            let error = Error::new(ErrorKind::InDoubt, "sending was cancelled before the broker replied");
            self.settle(session, Some(error), true);
        }
        self.tick += 1;
        let Incarnation { publisher, epoch } = self.incarnation;
        self.pair = StampPair::new(publisher, epoch, wall_us());
    }

    /// Gives a checked event its number in this batch; `false` if its topic has no room in it.
    pub(super) fn plan_event(&mut self, event: EncodedEvent<'_>, session: &Session) -> bool {
        // Both were checked.
        let Ok(map) = stampable(event.payload) else { return false };
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
        self.block.put(event.topic, &map, &self.pair, number);
        self.plan.push(Planned::Event(id, number));
        true
    }

    /// Tells what is in doubt on a topic, before anything else is told of it.
    pub(super) fn plan_lost(&mut self, id: TopicId) {
        let Some(state) = self.topics.get(id) else { return };
        // Only the first of a batch can stand behind it.
        let Some(number) = state.owed.filter(|_| state.planned == state.last) else { return };
        let stamp = self.pair.stamp(number);
        let lost = LossRecord { topic: state.topic.clone(), stamp, events: 1, cause: "in_doubt".to_owned() };
        self.plan_envelope(Planned::Lost(id), lost.pack());
    }

    fn plan_bye(&mut self, state: &State) {
        if state.is_used() {
            self.plan_envelope(Planned::Bye, Control::pack_bye(&state.topic, self.pair.stamp(state.last)));
        }
    }

    /// Says that no more comes on a topic.
    pub(super) fn plan_bye_of(&mut self, id: TopicId) {
        let Some(state) = self.topics.get(id).filter(|state| state.is_used()) else { return };
        let bye = Control::pack_bye(&state.topic, self.pair.stamp(state.last));
        self.plan_envelope(Planned::Bye, bye);
    }

    pub(super) fn plan_envelope(&mut self, planned: Planned, envelope: Result<Envelope>) {
        // What is packed here is always far below the limits.
        if let Ok(envelope) = envelope {
            self.block.put_whole(&envelope);
            self.plan.push(planned);
        }
    }

    /// Gives the driver what is planned, and waits for its answer. `is_last`: whether what the driver leaves is not sent
    /// again.
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

    /// How many planned events the driver has taken.
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
            Planned::Lost(id) => self.told(id),
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

    fn told(&mut self, id: TopicId) {
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
            // With the record in doubt or refused for good, the numbers alone tell that an event is missing.
            Planned::Lost(id) if !of_driver => {
                self.told(id);
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

    /// Nobody knows whether an event was published: its number is used up, and subscribers are told. Those behind it that are
    /// not sent again lose their numbers, too: a driver that had put them out beyond its contract would otherwise have two
    /// events under one number, and subscribers would drop the second without a word.
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
