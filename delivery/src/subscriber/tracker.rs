mod resync;

use super::buffer::{Buffer, BufferLimit};
use crate::Position;

/// One topic of one publisher, as a subscriber follows it: which event is the next, and what to do when another comes
/// (invariants: `tests/model.rs`). No clock, no I/O; `E` is whatever stands for an event.
///
/// - While it is [`Live`](Phase::Live) at number n, exactly the events up to n were applied since the start, or since the
///   latest replacement; anything else was told by an [`Effect`] before any later event.
/// - Numbers of one epoch are applied one after the other; what comes twice is dropped, what comes early waits in a bounded
///   buffer.
/// - A new epoch is believed to go on from an old one only if its mark says so (`prev`), or if the publisher answers.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Tracker<E> {
    phase: Phase,
    at: Position,
    /// The last number that is known to exist.
    target: Position,
    /// A `Resync` stands for the numbers up to here. Those above `at` may still be on their way in the stream: they are
    /// applied when they come, and nobody waits for them.
    excused: u64,
    buffer: Buffer<E>,
    duplicates: u64,
}

/// How far a tracker is with its topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Phase {
    /// Nothing was heard yet.
    Joining,
    /// It has nothing, and there is something to have.
    Syncing,
    /// It has everything.
    Live,
    /// It has something, and more is missing.
    Recovering,
    /// It had everything, and nothing proves that it still does.
    Stale,
}

/// What a tracker wants done, in this order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect<E> {
    /// Apply the next event.
    Apply {
        /// The event.
        event: E,
        /// Whether it was asked for.
        replayed: bool,
    },
    /// Put these rows in the place of all that the topic's publisher has told before.
    Replace(Vec<E>),
    /// Tell that so many events are missing here; 0 if their count is not known.
    Missing(u64),
    /// Tell that the application should compare with the database.
    Resync(&'static str),
    /// Tell that something is missing, or may be, and will be asked for.
    Recovering {
        /// What was applied last.
        at: Position,
        /// What is known to exist.
        of: Position,
    },
    /// Tell that nothing is missing any more.
    Live,
}

impl<E> Tracker<E> {
    /// One that has nothing.
    #[must_use]
    pub fn new(limit: BufferLimit) -> Self {
        Self::resumed(Position::NONE, limit)
    }

    /// One whose application had everything up to `at`, in an earlier life.
    #[must_use]
    pub fn resumed(at: Position, limit: BufferLimit) -> Self {
        let phase = if at == Position::NONE { Phase::Joining } else { Phase::Stale };
        Self { phase, at, target: at, excused: 0, buffer: Buffer::new(limit), duplicates: 0 }
    }

    /// How far it is.
    #[must_use]
    pub fn phase(&self) -> Phase {
        self.phase
    }

    /// What was applied last.
    #[must_use]
    pub fn position(&self) -> Position {
        self.at
    }

    /// How many events came again.
    #[must_use]
    pub fn duplicates(&self) -> u64 {
        self.duplicates
    }

    /// How many bytes wait for those before them.
    #[must_use]
    pub fn waiting_bytes(&self) -> usize {
        self.buffer.bytes()
    }

    /// Lets go of what waits, to be asked for again: how many events.
    pub fn forget_waiting(&mut self) -> usize {
        self.buffer.overflow()
    }

    /// Whether the publisher must be asked: what is missing will not come by itself.
    #[must_use]
    pub fn is_behind(&self) -> bool {
        matches!(self.phase, Phase::Syncing | Phase::Recovering)
    }

    /// An event came that `bytes` are to be reckoned for; how many left the buffer for want of room, to be asked for.
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
        self.is_told_of(epoch, number);
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

    /// The publisher says that `last` is its last number, and where the epoch before ended.
    pub fn mark(&mut self, epoch: u64, last: u64, prev: Option<Position>, effects: &mut Vec<Effect<E>>) {
        self.hear_of(epoch);
        if prev == Some(self.at) {
            self.at.epoch = epoch;
            self.excused = 0;
        }
        if epoch == self.at.epoch && last < self.at.sequence.max(self.excused) {
            // Said before what was replayed since, or before the answer that a `Resync` came of.
            return;
        }
        self.is_told_of(epoch, last);
        if epoch == self.at.epoch {
            self.end_excuse();
        }
        self.settle(effects);
        if self.phase != Phase::Live || self.at != self.target {
            self.fall_behind(effects);
        }
    }

    /// Where nobody can be asked: everything up to `to` is over. Tells what is missing up to there, if something is, and goes
    /// on behind it. What was published before the publisher was heard of first is told without a count.
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
        self.is_told_of(to.epoch, to.sequence);
    }

    /// The link to the publisher is gone: what is live is so no more until something proves it.
    pub fn unproved(&mut self) {
        // What was on its way is gone with the link: it is asked for.
        self.excused = 0;
        if self.phase == Phase::Live {
            self.phase = Phase::Stale;
        }
    }

    /// The link is proved, and this topic is not: ask.
    pub fn doubt(&mut self, effects: &mut Vec<Effect<E>>) {
        if self.phase == Phase::Stale {
            self.fall_behind(effects);
        }
    }

    /// An event of a replay that was asked for after [`position`](Self::position); what is not the next is dropped.
    pub fn replayed(&mut self, epoch: u64, number: u64, event: E, effects: &mut Vec<Effect<E>>) {
        if !self.is_behind() || !self.at.is_before(number) {
            self.duplicates += u64::from(number <= self.at.sequence);
            return;
        }
        self.at.epoch = epoch;
        self.apply(number, event, true, effects);
    }

    /// A replay has ended, and with it the asker is at `position`.
    pub fn replay_ended(&mut self, position: Position, effects: &mut Vec<Effect<E>>) {
        if !self.is_behind() {
            return;
        }
        if self.at.sequence == position.sequence {
            self.go_on_from(position, effects);
        }
    }

    /// A snapshot came: what the publisher has at `position`. Events after that which were applied already are missing in it:
    /// what is live, and is put back by it, asks for them once more; what is behind asks anyway, and ignores a snapshot that the
    /// stream has overtaken.
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

    /// The first epoch that is heard of: if the publisher should forget that before it is asked, this one has missed something
    /// (found by the model).
    fn hear_of(&mut self, epoch: u64) {
        if self.at == Position::NONE {
            self.at.epoch = epoch;
        }
    }

    /// Goes on after a position that the publisher vouches for.
    fn go_on_from(&mut self, position: Position, effects: &mut Vec<Effect<E>>) {
        self.excused = 0;
        self.at = position;
        self.is_told_of(position.epoch, position.sequence);
        self.settle(effects);
    }

    /// A number is known to exist. What was known of another epoch is of no use any more: the publisher has it, or nobody.
    fn is_told_of(&mut self, epoch: u64, number: u64) {
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

    /// Applies what has waited for this, and is live if nothing is missing then.
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
            // What is behind asks, and so needs no excuse.
            self.excused = 0;
            self.phase = if self.at.sequence == 0 { Phase::Syncing } else { Phase::Recovering };
            effects.push(Effect::Recovering { at: self.at, of: self.target });
        }
    }
}
