mod due;
mod following;
mod forgetting;
mod memory;
mod opening;
mod overfull;
mod recovery;
mod renewal;
mod replies;
mod reporting;
mod retirements;
mod standing;

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use pubsub_api::{Envelope, PublisherEpoch, Stamp, Topic};

use overfull::Overfull;
use retirements::Retirements;

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

/// The reason for giving up where no request can be sent.
const NOT_ASKED: &str = "the driver cannot request missing events from the publisher";

/// The stream of one publisher, through all its epochs: its topics, and the requests about them.
#[derive(Debug)]
pub(super) struct PublisherStream {
    pub(super) publisher_epoch: PublisherEpoch,
    /// Its endpoint, as registered; its id if none is known.
    pub(super) endpoint: String,
    /// Whether the link is up, and its subscriptions are confirmed.
    pub(super) is_proved: bool,
    /// Whether its hello says that it takes reports of what is applied.
    pub(super) takes_reports: bool,
    /// Whether another publisher claims its id.
    pub(super) is_disputed: bool,
    topics: HashMap<Topic, TrackedTopic>,
    /// Topics that are not live.
    unproved: usize,
    /// Topics that must be requested.
    behind: BTreeSet<Topic>,
    /// Those of them that the publisher has retired.
    ended: BTreeSet<Topic>,
    /// When these, and topics to be repaired, are requested.
    request_schedule: RequestSchedule,
    /// When the next check for topics to give up is due.
    check_at: Duration,
    /// The number of topics with a reported resync and no snapshot since.
    incomplete: usize,
    /// The bytes in the buffers of all topics.
    waiting_bytes: usize,
    /// When the last hello arrived.
    pub(super) hello_at: Duration,
    /// Whether `Live` was the last notice about the whole stream, alone or together with others on its link.
    pub(super) reported_live: bool,
    /// Whether a position was forgotten because the publisher was silent.
    pub(super) has_forgotten: bool,
    overfull: Option<Overfull>,
    retirements: Retirements,
    /// How late events arrive.
    delay: Delay,
    /// Whether that is too late.
    is_late: bool,
    /// When unconfirmed topics are requested.
    doubt_at: Option<Duration>,
    /// The epoch that is not remembered: one `Resync` covers everything that was missed of it.
    forgotten_epoch: Option<u64>,
    /// Whether marks are awaited, since no request can be sent.
    awaits_marks: bool,
    sync_client: SyncClient,
    sync_response: Option<SyncResponse>,
    /// Whether its driver carries no requests, as was learnt on this link.
    takes_no_requests: bool,
    /// The number of consecutive replies of another publisher.
    misdirected: u32,
    /// The epochs that the latest snapshot covers.
    epochs: Vec<u64>,
    /// Whether rows of the latest snapshot could not be opened.
    lacks_rows: bool,
    /// The number of changes of the keys that its requests know of.
    key_changes: u64,
    effects: Vec<Effect<Payload>>,
}

impl PublisherStream {
    pub(super) fn new(publisher_epoch: PublisherEpoch, endpoint: String) -> Self {
        Self {
            publisher_epoch,
            endpoint,
            is_proved: false,
            takes_reports: false,
            is_disputed: false,
            hello_at: Duration::ZERO,
            topics: HashMap::new(),
            unproved: 0,
            behind: BTreeSet::new(),
            ended: BTreeSet::new(),
            request_schedule: RequestSchedule::default(),
            check_at: Duration::ZERO,
            incomplete: 0,
            waiting_bytes: 0,
            reported_live: false,
            has_forgotten: false,
            overfull: None,
            retirements: Retirements::default(),
            delay: Delay::default(),
            is_late: false,
            doubt_at: None,
            forgotten_epoch: None,
            awaits_marks: false,
            sync_client: SyncClient::default(),
            sync_response: None,
            takes_no_requests: false,
            misdirected: 0,
            epochs: Vec::new(),
            lacks_rows: false,
            key_changes: 0,
            effects: Vec::new(),
        }
    }

    /// Follows a topic from a saved position of an earlier run of the application.
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

    pub(super) fn topics(&self) -> usize {
        self.topics.len()
    }

    /// The link is up and confirmed, perhaps with a later epoch. Events that waited for that follow.
    pub(super) fn prove(
        &mut self,
        publisher_epoch: PublisherEpoch,
        endpoint: &str,
        context: &mut Context<'_>,
    ) {
        if self.publisher_epoch != publisher_epoch {
            self.delay = Delay::default();
        }
        if self.publisher_epoch.epoch != publisher_epoch.epoch {
            self.doubt_memory(self.publisher_epoch.epoch, context);
        }
        self.publisher_epoch = publisher_epoch;
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
        self.reported_live = false;
        self.is_late = false;
        self.doubt_at = None;
        self.is_away(now);
        self.forget_request(now);
        for tracked in self.topics.values_mut() {
            self.unproved += usize::from(tracked.tracker.phase() == Phase::Live);
            tracked.tracker.unproved();
        }
    }

    /// An event or mark has arrived over a broker, where it confirms the stream, since there are no hellos. A later epoch ends
    /// the one before.
    pub(super) fn heard(&mut self, epoch: u64) {
        self.publisher_epoch.epoch = epoch;
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

    /// A stamped event of this epoch.
    pub(super) fn event(&mut self, envelope: Envelope, stamp: Stamp, context: &mut Context<'_>) {
        let (topic, bytes) = (envelope.topic.clone(), envelope.payload.len());
        self.pass_over(&topic, stamp, stamp.sequence.saturating_sub(1), context);
        self.has_returned(&topic);
        self.follow(topic, context, |tracker, effects| {
            let dropped = tracker.data(stamp.epoch, stamp.sequence, Payload::Event(envelope), bytes, effects);
            dropped as u64
        });
    }

    /// On a broker, where no request can be sent: reports what is missing up to `number`, and continues after it.
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

    /// Handles a message on the topic of marks.
    pub(super) fn control(&mut self, control: Control, context: &mut Context<'_>) {
        match control {
            Control::Mark(mark) => {
                let stamp = mark.stamp;
                if let Some(prev) = mark.prev {
                    self.remembers(prev.epoch);
                }
                self.pass_over(&mark.topic, stamp, stamp.sequence, context);
                self.has_returned(&mark.topic);
                self.follow(mark.topic, context, |tracker, effects| {
                    tracker.mark(stamp.epoch, stamp.sequence, mark.prev, effects);
                    0
                });
            }
            Control::Lost(lost) => {
                let (topic, stamp) = (lost.topic.clone(), lost.stamp);
                self.pass_over(&topic, stamp, stamp.sequence.saturating_sub(1), context);
                self.has_returned(&topic);
                self.follow(topic, context, |tracker, effects| {
                    tracker.data(stamp.epoch, stamp.sequence, Payload::Lost(lost), 0, effects) as u64
                });
            }
            Control::Bye { topic, stamp, again } => self.bye(&topic, stamp, again, context),
        }
    }
}
