mod resync;

use super::buffer::{Buffer, BufferLimit};
use crate::Position;

/// One topic of one publisher, as a subscriber follows it: which event is the next, and what to do if another arrives
/// (invariants: `tests/model.rs`). No clock, no I/O; `E` is the type of an event.
///
/// - While it is [`Live`](Phase::Live) at sequence n, exactly the events up to n were applied since the start, or since the
///   latest replacement; any loss was reported by an [`Effect`] before any later event.
/// - Sequences of one epoch are applied in order; a duplicate is dropped, an early event waits in a bounded buffer.
/// - A new epoch is believed to continue an old one only if its mark has that in `prev`, or if the publisher replies so.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Tracker<E> {
    phase: Phase,
    at: Position,
    /// The last sequence that is known to exist.
    target: Position,
    /// A `Resync` covers the sequences up to here. Those above `at` may still arrive in the stream: they are applied then, and
    /// are not requested.
    excused: u64,
    buffer: Buffer<E>,
    duplicates: u64,
}

/// The state of a topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Phase {
    /// Nothing has arrived.
    Joining,
    /// It has no event, and there are some.
    Syncing,
    /// It has all events.
    Live,
    /// It has some events, and others are missing.
    Recovering,
    /// It had all events, and nothing confirms that it still does.
    Stale,
}

/// An action that a tracker demands, in this order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect<E> {
    /// Apply the next event.
    Apply {
        /// The event.
        event: E,
        /// Whether it was requested.
        replayed: bool,
    },
    /// Replace all earlier events of the publisher on this topic by these rows.
    Replace(Vec<E>),
    /// Report that this many events are missing here; 0 if the number is not known.
    Missing(u64),
    /// Report that the application should compare with the database.
    Resync(&'static str),
    /// Report that events are missing, or may be, and will be requested.
    Recovering {
        /// The position of the last applied event.
        at: Position,
        /// The last position that is known to exist.
        of: Position,
    },
    /// Report that nothing is missing any more.
    Live,
}

impl<E> Tracker<E> {
    /// A tracker without any event.
    #[must_use]
    pub fn new(limit: BufferLimit) -> Self {
        Self::resumed(Position::NONE, limit)
    }

    /// A tracker whose application had everything up to `at`, in an earlier run.
    #[must_use]
    pub fn resumed(at: Position, limit: BufferLimit) -> Self {
        let phase = if at == Position::NONE { Phase::Joining } else { Phase::Stale };
        Self { phase, at, target: at, excused: 0, buffer: Buffer::new(limit), duplicates: 0 }
    }

    /// Its state.
    #[must_use]
    pub fn phase(&self) -> Phase {
        self.phase
    }

    /// The position of the last applied event.
    #[must_use]
    pub fn position(&self) -> Position {
        self.at
    }

    /// The number of duplicates.
    #[must_use]
    pub fn duplicates(&self) -> u64 {
        self.duplicates
    }

    /// The number of bytes in the buffer.
    #[must_use]
    pub fn waiting_bytes(&self) -> usize {
        self.buffer.bytes()
    }

    /// Drops all buffered events, which are requested again; returns their number.
    pub fn forget_waiting(&mut self) -> usize {
        self.buffer.overflow()
    }

    /// Whether a request is necessary: the missing events will not arrive in the stream.
    #[must_use]
    pub fn is_behind(&self) -> bool {
        matches!(self.phase, Phase::Syncing | Phase::Recovering)
    }

    /// Handles an event of `bytes`. Returns how many buffered events were dropped because the buffer was full; they are
    /// requested again.
    pub fn data(
        &mut self,
        epoch: u64,
        number: u64,
        event: E,
        bytes: usize,
        effects: &mut Vec<Effect<E>>,
    ) -> usize {
        self.hear_of(epoch);
        if (epoch == self.at.epoch && number <= self.at.sequence) || self.buffer.has(epoch, number) {
            self.duplicates += 1;
            return 0;
        }
        self.learn_of(epoch, number);
        if self.excused > 0 && epoch == self.at.epoch {
            self.go_on_after_resync(number);
        }
        if epoch == self.at.epoch && self.at.is_before(number) {
            self.apply(number, event, false, effects);
            self.settle(effects);
            return 0;
        }
        self.fall_behind(effects);
        self.buffer.put(epoch, number, event, bytes)
    }

    /// Handles a mark: `last` is the publisher's last sequence, `prev` the last position of the epoch before.
    pub fn mark(&mut self, epoch: u64, last: u64, prev: Option<Position>, effects: &mut Vec<Effect<E>>) {
        self.hear_of(epoch);
        if prev == Some(self.at) {
            self.at.epoch = epoch;
            self.excused = 0;
        }
        if epoch == self.at.epoch && last < self.at.sequence.max(self.excused) {
            // Sent before the events that were replayed since, or before the reply that caused a `Resync`.
            return;
        }
        self.learn_of(epoch, last);
        if epoch == self.at.epoch {
            self.end_excuse();
        }
        self.settle(effects);
        if self.phase != Phase::Live || self.at != self.target {
            self.fall_behind(effects);
        }
    }

    /// For publishers without requests: ends the wait for everything up to `to`. Reports what is missing up to there, if
    /// anything, and continues after it. Events from before the first contact are reported without a number.
    pub fn pass_over(&mut self, to: Position, effects: &mut Vec<Effect<E>>) {
        let has_nothing = self.at == Position::NONE;
        let reason = if has_nothing && to.sequence > 0 {
            "earlier events cannot be requested on a broker"
        } else if !has_nothing && to.epoch != self.at.epoch {
            "the publisher has restarted, and its last events cannot be requested on a broker"
        } else if !has_nothing && to.sequence > self.at.sequence {
            effects.push(Effect::Missing(to.sequence - self.at.sequence));
            "events were lost, and cannot be requested on a broker"
        } else {
            return;
        };
        effects.push(Effect::Resync(reason));
        self.at = to;
        self.learn_of(to.epoch, to.sequence);
    }

    /// The link to the publisher is gone: a live topic is stale until something confirms it.
    pub fn unproved(&mut self) {
        // Events that were on their way are lost with the link: they are requested.
        self.excused = 0;
        if self.phase == Phase::Live {
            self.phase = Phase::Stale;
        }
    }

    /// The link is confirmed, and this topic is not: requests it.
    pub fn doubt(&mut self, effects: &mut Vec<Effect<E>>) {
        if self.phase == Phase::Stale {
            self.fall_behind(effects);
        }
    }

    /// Handles an event of a replay that was requested after [`position`](Self::position); any but the next is dropped.
    pub fn replayed(&mut self, epoch: u64, number: u64, event: E, effects: &mut Vec<Effect<E>>) {
        if !self.is_behind() || !self.at.is_before(number) {
            self.duplicates += u64::from(number <= self.at.sequence);
            return;
        }
        self.at.epoch = epoch;
        self.apply(number, event, true, effects);
    }

    /// A replay has ended at `position`.
    pub fn replay_ended(&mut self, position: Position, effects: &mut Vec<Effect<E>>) {
        if !self.is_behind() {
            return;
        }
        if self.at.sequence == position.sequence {
            self.go_on_from(position, effects);
        }
    }

    /// Handles a snapshot, which covers everything up to `position`. Later events that were applied already are missing in it:
    /// a live tracker is set back by it and requests them again; one that is behind sends a request anyway, and ignores a
    /// snapshot that the stream has overtaken.
    pub fn replaced(&mut self, position: Position, rows: Vec<E>, effects: &mut Vec<Effect<E>>) {
        if self.is_behind() && self.is_beyond(position) {
            return;
        }
        effects.push(Effect::Replace(rows));
        let reached = self.at.sequence.max(self.excused);
        let is_older = !self.is_behind() && position.epoch == self.at.epoch && position.sequence < reached;
        if is_older {
            self.at = position;
            self.fall_behind(effects);
        } else {
            self.go_on_from(position, effects);
        }
    }

    /// Notes the first known epoch: if the publisher forgets it before the first request, this subscriber has missed something
    /// (found by the model).
    fn hear_of(&mut self, epoch: u64) {
        if self.at == Position::NONE {
            self.at.epoch = epoch;
        }
    }

    /// Continues after a position that the publisher confirms.
    fn go_on_from(&mut self, position: Position, effects: &mut Vec<Effect<E>>) {
        self.excused = 0;
        self.at = position;
        self.learn_of(position.epoch, position.sequence);
        self.settle(effects);
    }

    /// A sequence is known to exist. What was known of another epoch is obsolete: either the publisher still has it, or it is
    /// lost.
    fn learn_of(&mut self, epoch: u64, number: u64) {
        if self.target.epoch != epoch && self.buffer.epoch() != epoch {
            let _ = self.buffer.clear();
        }
        if self.target.epoch != epoch || self.target.sequence < number {
            self.target = Position { epoch, sequence: number };
        }
    }

    fn apply(&mut self, number: u64, event: E, replayed: bool, effects: &mut Vec<Effect<E>>) {
        self.at.sequence = number;
        effects.push(Effect::Apply { event, replayed });
    }

    /// Applies the buffered events that follow, and is live if nothing is missing then.
    fn settle(&mut self, effects: &mut Vec<Effect<E>>) {
        if self.buffer.epoch() == self.at.epoch {
            self.buffer.drop_up_to(self.at.sequence);
            while let Some(next) = self.at.sequence.checked_add(1)
                && let Some(event) = self.buffer.take(next)
            {
                self.apply(next, event, false, effects);
            }
        }
        let reached = self.at.sequence.max(self.excused);
        let has_all = self.target.epoch == self.at.epoch && self.target.sequence <= reached;
        if has_all && self.buffer.is_empty() {
            if self.is_behind() {
                effects.push(Effect::Live);
            }
            self.phase = Phase::Live;
        }
    }

    fn fall_behind(&mut self, effects: &mut Vec<Effect<E>>) {
        if !self.is_behind() {
            // A topic that is behind sends a request, and needs no excuse.
            self.excused = 0;
            self.phase = if self.at.sequence == 0 { Phase::Syncing } else { Phase::Recovering };
            effects.push(Effect::Recovering { at: self.at, of: self.target });
        }
    }
}
