use std::collections::VecDeque;

use delivery::Position;
use delivery::subscriber::Phase;

use super::FollowedTable;
use crate::TableId;
use crate::tables::table_event::TableEvent;
use crate::tables::table_update::TableUpdate;

/// What has arrived in order and is applied in [cuts](crate::tables::consistent_cut) of several tables.
impl FollowedTable {
    /// What is applied next.
    pub(in crate::tables) fn next(&self) -> Option<&TableEvent> {
        self.ready.front()
    }

    /// Applies what is next.
    pub(in crate::tables) fn apply_next(&mut self) -> Option<TableUpdate> {
        let event = self.ready.pop_front()?;
        self.ready_bytes -= event.bytes();
        self.held_since = None;
        self.is_held_too_long = false;
        let is_first = !self.rows.is_initialized();
        let update = self.rows.apply(&self.stream, event);
        (is_first || !update.is_empty()).then_some(update)
    }

    /// What has arrived and is not applied, in order.
    pub(in crate::tables) fn ready(&self) -> &VecDeque<TableEvent> {
        &self.ready
    }

    /// How many of the ready changes lead to a position; 0 if the rows are there, `None` if it is not ready.
    pub(in crate::tables) fn steps_to(&self, position: Position) -> Option<usize> {
        if self.rows.covers(position) {
            return Some(0);
        }
        self.ready.iter().position(|event| event.position() >= position).map(|index| index + 1)
    }

    /// Whether the publisher replied that it has no such table.
    pub(in crate::tables) fn is_unknown(&self) -> bool {
        self.is_unknown
    }

    /// Commits up to a position are visible in other tables.
    pub(in crate::tables) fn must_reach(&mut self, position: Position) {
        if position.epoch >= self.epoch && position > self.tracker.position() {
            self.confirm(position);
        }
    }

    /// Whether changes of other tables wait for those of this one.
    pub(in crate::tables) fn is_awaited(&self) -> bool {
        !self.is_unknown && self.rows.is_initialized()
    }

    /// The position of another table in the last commit that is visible here and was one of both.
    pub(in crate::tables) fn partner(&self, table: &TableId) -> Option<Position> {
        self.rows.partners().position_of(table)
    }

    /// The publisher has an empty table, and nothing has arrived: that is the first content.
    pub(in crate::tables) fn begin_if_empty(&mut self) {
        if !self.has_content() && self.is_up && self.tracker.phase() == Phase::Live {
            self.push_ready(TableEvent::Empty(self.tracker.position()));
        }
    }
}
