use std::collections::{BTreeMap, BTreeSet};

use super::slot::SLOTS;
use super::slot_view::{SlotState, SlotView};

/// The slots of a cluster that were scanned completely, over several rounds. Each round scans all masters.
///
/// A key that exists the whole time is missed in a round only if it moves from a node that is scanned later to one that was
/// scanned before. So a slot is scanned completely by a round during which one node served it and it did not move; or by two
/// consecutive rounds during which it was moving between the same nodes: a key moves at most once, and the second round finds
/// it if it moved during the first.
#[derive(Debug)]
pub(super) struct Coverage {
    open: BTreeSet<u16>,
    /// The open slots that were moving in the same way during the whole last round.
    on_their_way: BTreeMap<u16, SlotState>,
}

impl Coverage {
    pub(super) fn new() -> Self {
        Self { open: (0..SLOTS).collect(), on_their_way: BTreeMap::new() }
    }

    /// Adds a round, given the reports of the nodes before and after it.
    pub(super) fn add_round(&mut self, before: &SlotView, after: &SlotView) {
        let last = std::mem::take(&mut self.on_their_way);
        let on_their_way = &mut self.on_their_way;
        self.open.retain(|slot| {
            let steady = before.state(*slot).filter(|state| after.state(*slot).as_ref() == Some(state));
            match steady {
                None => true,
                Some(state) if !state.is_moving() || last.get(slot) == Some(&state) => false,
                Some(state) => {
                    on_their_way.insert(*slot, state);
                    true
                }
            }
        });
    }

    /// A slot that was not scanned completely so far, if there is one.
    pub(super) fn open_slot(&self) -> Option<u16> {
        self.open.first().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::{Coverage, SlotView};
    use crate::servers::cluster_node::ClusterNode;

    /// A cluster of two nodes, of which `a` serves the slots below `border`, with additional reports about moves.
    fn view(border: u16, a: &str, b: &str) -> SlotView {
        let line = |id, slots: String| {
            ClusterNode::own(&format!("{id} :1@2 myself,master - 0 0 1 connected {slots}")).unwrap()
        };
        let nodes = [line("a", format!("0-{} {a}", border - 1)), line("b", format!("{border}-16383 {b}"))];
        SlotView::new(&nodes)
    }

    #[test]
    fn a_round_without_moves_covers_all_slots() {
        let mut coverage = Coverage::new();
        coverage.add_round(&view(100, "", ""), &view(100, "", ""));
        assert_eq!(coverage.open_slot(), None);
    }

    #[test]
    fn a_slot_that_changes_its_node_is_covered_by_a_later_round_without_a_change() {
        let mut coverage = Coverage::new();
        coverage.add_round(&view(100, "", ""), &view(99, "", ""));
        assert_eq!(coverage.open_slot(), Some(99));
        // Other slots may change meanwhile: they are covered already.
        coverage.add_round(&view(99, "", ""), &view(98, "", ""));
        assert_eq!(coverage.open_slot(), None);
    }

    #[test]
    fn a_moving_slot_takes_two_rounds_of_the_same_move() {
        let on_its_way = || view(100, "[99->-b]", "[99-<-a]");
        let mut coverage = Coverage::new();
        coverage.add_round(&on_its_way(), &on_its_way());
        assert_eq!(coverage.open_slot(), Some(99));
        coverage.add_round(&on_its_way(), &on_its_way());
        assert_eq!(coverage.open_slot(), None);
        // A move that starts or ends in between does not count.
        let mut coverage = Coverage::new();
        coverage.add_round(&on_its_way(), &on_its_way());
        coverage.add_round(&on_its_way(), &view(99, "", ""));
        assert_eq!(coverage.open_slot(), Some(99));
        coverage.add_round(&view(99, "", ""), &view(99, "", ""));
        assert_eq!(coverage.open_slot(), None);
    }

    #[test]
    fn a_slot_that_no_node_serves_is_never_covered() {
        let whole = ClusterNode::own("a :1@2 myself,master - 0 0 1 connected 0-9 11-16383").unwrap();
        let view = SlotView::new([&whole]);
        assert_eq!(view.unserved(), Some(10));
        let mut coverage = Coverage::new();
        coverage.add_round(&view, &view);
        coverage.add_round(&view, &view);
        assert_eq!(coverage.open_slot(), Some(10));
    }
}
