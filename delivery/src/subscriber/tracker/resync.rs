use super::{Effect, Tracker};
use crate::Position;

const FORGOTTEN: &str = "the publisher does not remember the missing events";

const NO_ROWS: &str = "the publisher has no snapshot of the topic: earlier events are in the database only";

/// Reports of missing events, and the stream after them: events after a `Resync` are applied.
impl<E> Tracker<E> {
    /// The publisher does not know our position, and is at `position`.
    ///
    /// The reply arrives on another connection than the stream: events up to `position` may have arrived before it, and others
    /// may still arrive. All of them follow the `Resync` in order. Those that a full buffer has dropped are requested again.
    pub fn unknown(&mut self, position: Position, effects: &mut Vec<Effect<E>>) {
        if !self.is_behind() || self.is_beyond(position) {
            return;
        }
        effects.push(Effect::Resync(if self.at.sequence == 0 { NO_ROWS } else { FORGOTTEN }));
        self.forget_applied();
        let is_same = position.epoch == self.at.epoch;
        let base = if is_same { self.at.sequence } else { 0 };
        let is_later = |first: &u64| !is_same || *first > base.saturating_add(1);
        let waiting = self.buffer.lowest(position.epoch).filter(is_later);
        if let Some(first) = waiting.or_else(|| self.buffer.first_of(position.epoch)) {
            let number = position.sequence.min(first.saturating_sub(1));
            self.go_on_from(Position { epoch: position.epoch, sequence: number }, effects);
            return;
        }
        let _ = self.buffer.clear();
        self.at = Position { epoch: position.epoch, sequence: base };
        self.excused = position.sequence;
        self.learn_of(position.epoch, position.sequence);
        self.settle(effects);
    }

    /// No reply arrives, or no request can be sent: reports what is missing, and continues with the buffered events.
    pub fn give_up(&mut self, reason: &'static str, effects: &mut Vec<Effect<E>>) {
        self.forget_applied();
        while self.is_behind() {
            let next = match self.buffer.first() {
                Some(first) => Position { epoch: self.buffer.epoch(), sequence: first.saturating_sub(1) },
                None => self.target,
            };
            let is_known = next.epoch == self.at.epoch;
            let missing = if is_known { next.sequence.saturating_sub(self.at.sequence) } else { 0 };
            effects.push(Effect::Missing(missing));
            effects.push(Effect::Resync(reason));
            self.go_on_from(next, effects);
        }
    }

    /// Buffered events may also have arrived in a reply that broke off.
    fn forget_applied(&mut self) {
        if self.buffer.epoch() == self.at.epoch {
            self.buffer.drop_up_to(self.at.sequence);
        }
    }

    /// Whether the stream has brought everything up to a position since the reply was made: the reply is late.
    pub(super) fn is_beyond(&self, position: Position) -> bool {
        position.epoch == self.at.epoch && position.sequence < self.at.sequence
    }

    /// The first event of the stream after a `Resync`: from it on, nothing may be missing.
    pub(super) fn go_on_after_resync(&mut self, number: u64) {
        if number <= self.excused.saturating_add(1) {
            self.at.sequence = number.saturating_sub(1);
            self.excused = 0;
            self.target.sequence = number;
        } else {
            self.end_excuse();
        }
    }

    /// The stream is past the sequences that a `Resync` covers: none of them arrives any more.
    pub(super) fn end_excuse(&mut self) {
        self.at.sequence = self.at.sequence.max(self.excused);
        self.excused = 0;
    }
}
