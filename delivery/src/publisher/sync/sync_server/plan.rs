use pubsub_api::Topic;

use crate::Position;
use crate::publisher::core::Core;
use crate::publisher::numbering::line::Line;
use crate::publisher::numbering::topics::TopicState;
use crate::publisher::sync::replay::Replay;
use crate::publisher::sync::verdict::{Standing, Verdict};

/// What is to be answered about a topic, with the last number that was given on it.
#[derive(Debug)]
pub(super) enum Plan {
    Replay(Replay, u64),
    Snapshot,
    /// The ring does not reach back so far.
    TooFarBehind(u64),
    /// It is no position of this publisher's.
    Nowhere(u64),
}

impl Plan {
    pub(super) fn of(core: &Core, topic: &Topic, position: Position, snapshot_bytes: Option<u64>) -> Self {
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
