use pubsub_api::Topic;

use crate::Position;
use crate::publisher::core::Core;
use crate::publisher::numbering::topic_sequence::TopicSequence;
use crate::publisher::numbering::topics::TopicState;
use crate::publisher::sync::replay::Replay;
use crate::publisher::sync::replay_policy::{ReplayPolicy, Verdict};

/// The reply about a topic, with the last sequence of the topic.
#[derive(Debug)]
pub(super) enum Plan {
    Replay(Replay, u64),
    Snapshot,
    /// The position is older than the ring.
    TooFarBehind(u64),
    /// The position is not one of this publisher's.
    Nowhere(u64),
}

impl Plan {
    pub(super) fn of(core: &Core, topic: &Topic, position: Position, snapshot_bytes: Option<u64>) -> Self {
        let sequencer = core.sequencer();
        let (publisher_state, ring) = (&sequencer.publisher_state, &sequencer.ring);
        // A reserved topic has no sequences, and is never retired: a subscriber requests `$hello` to learn whether its epoch is
        // remembered.
        let floor = if topic.is_reserved() { 0 } else { publisher_state.topics.floor() };
        let never = TopicSequence::after(floor);
        let state = publisher_state.topics.named(topic.as_bytes());
        let sequence = state.map_or(&never, |state| &state.sequence);
        let last = sequence.last();
        let oldest = state.map_or(last + 1, TopicState::oldest);
        let policy = ReplayPolicy { epoch_history: &publisher_state.epoch_history, sequence, oldest };
        let from = position.sequence.saturating_add(1);
        let replay_bytes = state.map_or(0, |state| state.index.bytes_since(last, from));
        match policy.judge(position, replay_bytes, snapshot_bytes) {
            Verdict::Replay { from } => {
                let places = state.map(|state| state.index.since(last, from)).unwrap_or_default();
                Self::Replay(Replay::new(places, ring.segments()), last)
            }
            Verdict::Snapshot => Self::Snapshot,
            Verdict::Unknown if policy.knows(position) => Self::TooFarBehind(last),
            Verdict::Unknown => Self::Nowhere(last),
        }
    }
}
