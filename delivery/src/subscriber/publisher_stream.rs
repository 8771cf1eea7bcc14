mod answers;
mod due;
mod forgetting;
mod memory;
mod overfull;
mod recovery;
mod standing;
mod telling;

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use pubsub_api::{Envelope, Incarnation, Stamp, Topic};

use overfull::Overfull;

use super::context::Context;
use super::delay::Delay;
use super::payload::Payload;
use super::request_schedule::RequestSchedule;
use super::sync_client::SyncClient;
use super::sync_response::SyncResponse;
use super::timing::PROOF;
use super::tracked_topic::TrackedTopic;
use super::{Effect, Introduction, Phase, Tracker};
use crate::{Control, Position};

/// Why something is given up where there is nobody to ask.
const NOT_ASKED: &str = "the driver cannot request missing events from the publisher";

/// One publisher, through all its lives: its topics, and what it is asked for.
#[derive(Debug)]
pub(super) struct PublisherStream {
    pub(super) incarnation: Incarnation,
    /// Where it is reached, as it was registered; its id where nobody told.
    pub(super) endpoint: String,
    /// Whether the link stands, and its subscriptions are proved.
    pub(super) is_proved: bool,
    /// Whether another publisher claims its id.
    pub(super) is_disputed: bool,
    topics: HashMap<Topic, TrackedTopic>,
    /// Topics that are not live.
    unproved: usize,
    /// Topics that must be asked for.
    behind: BTreeSet<Topic>,
    /// When these, and those that are to be repaired, are asked for.
    request_schedule: RequestSchedule,
    /// When it is looked for topics to give up.
    check_at: Duration,
    /// Topics of which a resync was reported, and no snapshot came since.
    incomplete: usize,
    /// What topics hold back together.
    waiting_bytes: usize,
    /// Whether `Live` was the last that was told of the whole, alone or together with others on its link.
    pub(super) told_live: bool,
    /// Whether a position was forgotten because nothing was heard of it.
    pub(super) has_forgotten: bool,
    overfull: Option<Overfull>,
    /// How late what arrives is, by which clock.
    delay: Delay,
    /// Whether that is too late.
    is_late: bool,
    /// When topics that nothing has proved are asked for.
    doubt_at: Option<Duration>,
    /// The life that is not remembered: for all that was missed of it stands one `Resync`.
    forgotten_life: Option<u64>,
    /// Whether marks are waited for, since nobody can be asked.
    awaits_marks: bool,
    sync_client: SyncClient,
    sync_response: Option<SyncResponse>,
    /// Whether its driver carries no requests, as was learnt on this link.
    takes_no_requests: bool,
    /// Answers of another publisher in a row.
    misdirected: u32,
    /// The epochs that the latest snapshot speaks for.
    epochs: Vec<u64>,
    effects: Vec<Effect<Payload>>,
}

impl PublisherStream {
    pub(super) fn new(incarnation: Incarnation, endpoint: String) -> Self {
        Self {
            incarnation,
            endpoint,
            is_proved: false,
            is_disputed: false,
            topics: HashMap::new(),
            unproved: 0,
            behind: BTreeSet::new(),
            request_schedule: RequestSchedule::default(),
            check_at: Duration::ZERO,
            incomplete: 0,
            waiting_bytes: 0,
            told_live: false,
            has_forgotten: false,
            overfull: None,
            delay: Delay::default(),
            is_late: false,
            doubt_at: None,
            forgotten_life: None,
            awaits_marks: false,
            sync_client: SyncClient::default(),
            sync_response: None,
            takes_no_requests: false,
            misdirected: 0,
            epochs: Vec::new(),
            effects: Vec::new(),
        }
    }

    /// Follows a topic from a position of an earlier life of the application.
    pub(super) fn resume(&mut self, topic: Topic, at: Position, context: &Context<'_>) {
        let tracker = Tracker::resumed(at, context.options.buffer);
        self.unproved += 1;
        self.topics.insert(topic, TrackedTopic::new(tracker, context.now));
    }

    pub(super) fn positions(&self) -> impl Iterator<Item = (&Topic, Position)> {
        let known = |(topic, tracked): (_, &TrackedTopic)| (topic, tracked.tracker.position());
        self.topics.iter().map(known).filter(|(_, at)| at.sequence > 0)
    }

    pub(super) fn waiting_bytes(&self) -> usize {
        self.waiting_bytes
    }

    /// The topics of which a resync was reported, and no snapshot came since.
    pub(super) fn incomplete(&self) -> usize {
        self.incomplete
    }

    pub(super) fn topics(&self) -> usize {
        self.topics.len()
    }

    /// The link stands and is proved, perhaps to a later life. What was held back for that is given next.
    pub(super) fn prove(&mut self, incarnation: Incarnation, endpoint: &str, context: &mut Context<'_>) {
        if self.incarnation != incarnation {
            self.delay = Delay::default();
        }
        if self.incarnation.epoch != incarnation.epoch {
            self.doubt_memory(self.incarnation.epoch, context);
        }
        self.incarnation = incarnation;
        endpoint.clone_into(&mut self.endpoint);
        self.is_proved = true;
        self.takes_no_requests = false;
        self.misdirected = 0;
        self.awaits_marks = false;
        self.forget_request(context.now);
        self.doubt_at = Some(context.now + PROOF + context.jitter(PROOF));
        if !self.behind.is_empty() {
            self.sync_client.not_before(context.now + context.jitter(PROOF));
        }
    }

    /// The link is gone.
    pub(super) fn unprove(&mut self, now: Duration) {
        self.is_proved = false;
        self.told_live = false;
        self.is_late = false;
        self.doubt_at = None;
        self.forget_request(now);
        for tracked in self.topics.values_mut() {
            self.unproved += usize::from(tracked.tracker.phase() == Phase::Live);
            tracked.tracker.unproved();
        }
    }

    /// Something came from it over a broker: nobody says hello there, what it sends is its proof. A later epoch is a later
    /// life.
    pub(super) fn heard(&mut self, epoch: u64) {
        self.incarnation.epoch = epoch;
        self.is_proved = true;
    }

    fn forget_request(&mut self, now: Duration) {
        self.sync_client.forget(now);
        self.sync_response = None;
    }

    /// Whether a topic is followed, or may be.
    pub(super) fn has_room_for(&self, topic: &Topic, context: &Context<'_>) -> bool {
        self.topics.len() < context.options.max_topics || self.topics.contains_key(topic)
    }

    /// A stamped event of this incarnation.
    pub(super) fn event(&mut self, envelope: Envelope, stamp: Stamp, context: &mut Context<'_>) {
        let (topic, bytes) = (envelope.topic.clone(), envelope.payload.len());
        self.pass_over(&topic, stamp, stamp.sequence.saturating_sub(1), context);
        self.follow(topic, context, |tracker, effects| {
            let dropped = tracker.data(stamp.epoch, stamp.sequence, Payload::Event(envelope), bytes, effects);
            dropped as u64
        });
    }

    /// On a broker, where nobody can be asked: tells what is missing up to `number`, and goes on behind that.
    fn pass_over(&mut self, topic: &Topic, stamp: Stamp, number: u64, context: &mut Context<'_>) {
        match context.options.introduction {
            Introduction::ByBroker if self.has_room_for(topic, context) => {}
            Introduction::ByBroker | Introduction::ByHello => return,
        }
        self.follow(topic.clone(), context, |tracker, effects| {
            tracker.pass_over(Position { epoch: stamp.epoch, sequence: number }, effects);
            0
        });
    }

    /// What was said on the topic of marks.
    pub(super) fn control(&mut self, control: Control, context: &mut Context<'_>) {
        match control {
            Control::Mark(mark) => {
                let stamp = mark.stamp;
                if let Some(prev) = mark.prev {
                    self.remembers(prev.epoch);
                }
                self.pass_over(&mark.topic, stamp, stamp.sequence, context);
                self.follow(mark.topic, context, |tracker, effects| {
                    tracker.mark(stamp.epoch, stamp.sequence, mark.prev, effects);
                    0
                });
            }
            Control::Lost(lost) => {
                let (topic, stamp) = (lost.topic.clone(), lost.stamp);
                self.pass_over(&topic, stamp, stamp.sequence.saturating_sub(1), context);
                self.follow(topic, context, |tracker, effects| {
                    tracker.data(stamp.epoch, stamp.sequence, Payload::Lost(lost), 0, effects) as u64
                });
            }
            Control::Bye { topic, stamp } => {
                self.pass_over(&topic, stamp, stamp.sequence, context);
                self.follow(topic.clone(), context, |tracker, effects| {
                    tracker.mark(stamp.epoch, stamp.sequence, None, effects);
                    0
                });
                let is_over = |tracked: &TrackedTopic| !tracked.tracker.is_behind();
                if self.topics.get(&topic).is_some_and(is_over) {
                    self.retire(&topic);
                }
            }
        }
    }

    /// Lets the tracker of a topic do something, and passes on what it wants done.
    fn follow(
        &mut self,
        topic: Topic,
        context: &mut Context<'_>,
        act: impl FnOnce(&mut Tracker<Payload>, &mut Vec<Effect<Payload>>) -> u64,
    ) {
        if !self.has_room_for(&topic, context) {
            self.no_room(context);
            return;
        }
        if !self.topics.contains_key(&topic) {
            self.unproved += 1;
            let tracker = Tracker::new(context.options.buffer);
            self.topics.insert(topic.clone(), TrackedTopic::new(tracker, context.now));
        }
        let Some(tracked) = self.topics.get_mut(&topic) else { return };
        tracked.heard = context.now;
        let tracker = &mut tracked.tracker;
        let (was, held, repeats) = (tracker.phase(), tracker.waiting_bytes(), tracker.duplicates());
        let life = tracker.position().epoch;
        context.counters.overflowed += act(tracker, &mut self.effects);
        context.counters.duplicates += tracker.duplicates() - repeats;
        self.waiting_bytes = self.waiting_bytes - held + tracker.waiting_bytes();
        if self.waiting_bytes > context.options.buffers_bytes {
            self.waiting_bytes -= tracker.waiting_bytes();
            context.counters.overflowed += tracker.forget_waiting() as u64;
        }
        let is = tracker.phase();
        if was != is || !self.effects.is_empty() {
            self.changed(topic, life, (was, is), context);
        }
    }

    /// A tracker's phase may have changed, and it may want something done; before that it was in this life.
    fn changed(&mut self, topic: Topic, life: u64, (was, is): (Phase, Phase), context: &mut Context<'_>) {
        let is_behind = matches!(is, Phase::Syncing | Phase::Recovering);
        self.unproved = self.unproved + usize::from(is != Phase::Live) - usize::from(was != Phase::Live);
        let effects = std::mem::take(&mut self.effects);
        self.note_completeness(&topic, &effects);
        self.pass_on(&topic, life, effects, context);
        if is_behind && self.behind.insert(topic.clone()) {
            self.fell_behind(topic, context);
        } else if !is_behind && self.behind.remove(&topic) {
            self.caught_up(topic, context);
        }
        if is == Phase::Live {
            self.end_doubt_of_memory();
        }
        match context.options.introduction {
            Introduction::ByHello => {}
            // Nothing is told of one publisher as a whole.
            Introduction::ByBroker => self.told_live |= self.is_current(),
        }
    }
}
