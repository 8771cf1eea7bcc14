use std::collections::BTreeSet;

use super::World;
use crate::Row;
use crate::tables::StreamPhase;
use crate::tables::tests::model::bounds::Bounds;
use crate::tables::tests::model::view::View;
use crate::tables::tests::world::stream;

/// What must hold at every moment.
impl World {
    /// Whether the follower is live with the rows of the publisher.
    pub(in crate::tables::tests::model) fn is_equal(&self, bounds: &Bounds) -> bool {
        let is_equal = |(view, table): (&View, &&str)| {
            let (now, rows) = (self.publisher.position(&stream(table)), self.publisher.rows(&stream(table)));
            let rows = rows.into_iter().flatten().collect::<BTreeSet<Row>>();
            let at = self.follower.rows(&stream(table)).map(|(at, _)| at);
            view.phase == StreamPhase::Live && now.is_some() && at == now && view.rows == rows
        };
        self.views.iter().zip(bounds.tables).all(is_equal)
    }

    /// What does not hold at this moment.
    pub(in crate::tables::tests::model) fn check(&mut self, bounds: &Bounds) {
        let is_equal = self.is_equal(bounds);
        self.is_lost &= !is_equal;
        for (view, table) in self.views.iter_mut().zip(bounds.tables) {
            let Some((at, rows)) = self.follower.rows(&stream(table)) else { continue };
            self.broken = self.broken.or(view.broken(at));
            if rows.into_iter().collect::<BTreeSet<_>>() != view.rows {
                self.broken = Some("complete or loud: the updates do not lead to the rows that are kept");
            }
        }
        let is_live = self.views.iter().all(|view| view.phase == StreamPhase::Live);
        if is_live && !is_equal && !self.is_lost && self.is_declared && self.flights.is_empty() {
            self.broken =
                Some("complete or loud: live, nothing was lost nor is on its way, and rows are old");
        }
    }
}
