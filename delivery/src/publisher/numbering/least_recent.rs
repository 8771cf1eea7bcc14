use std::collections::VecDeque;

/// Finds the entry that was used longest ago, without an order that each use would have to maintain.
///
/// The caller stores the tick of the last use with each entry. From time to time all entries are examined, and the 1/64 that
/// were used longest ago become candidates; a candidate that was used since is skipped. So the first other one is the least
/// recently used of all, and a search costs 64 comparisons on average.
#[derive(Debug)]
pub(crate) struct LeastRecent<Id>(VecDeque<(u64, Id)>);

const PART: usize = 64;

impl<Id> Default for LeastRecent<Id> {
    fn default() -> Self {
        Self(VecDeque::new())
    }
}

impl<Id: Copy + Ord> LeastRecent<Id> {
    /// The entry that was used longest ago, with its tick. `all` are the entries with their ticks; `tick_of` returns the tick
    /// of one, if it still exists. The entry stays a candidate until it is used or removed.
    pub(crate) fn find<All: Iterator<Item = (u64, Id)>>(
        &mut self,
        all: impl FnOnce() -> All,
        tick_of: impl Fn(Id) -> Option<u64>,
    ) -> Option<(u64, Id)> {
        self.pass_over(&tick_of);
        if self.0.is_empty() {
            let mut all: Vec<(u64, Id)> = all().collect();
            let count = (all.len() / PART).max(1).min(all.len());
            if count < all.len() {
                all.select_nth_unstable(count);
                all.truncate(count);
            }
            all.sort_unstable();
            self.0 = all.into();
        }
        self.0.front().copied()
    }

    fn pass_over(&mut self, tick_of: &impl Fn(Id) -> Option<u64>) {
        while let Some((tick, id)) = self.0.front()
            && tick_of(*id) != Some(*tick)
        {
            self.0.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::{Just, Strategy as _, any, prop_assert_eq, prop_oneof, proptest};

    use super::LeastRecent;

    proptest! {
        #[test]
        fn the_found_entry_was_used_longest_ago(
            uses in proptest::collection::vec(prop_oneof![any::<u8>().prop_map(Some), Just(None)], 0..600)
        ) {
            let mut ticks: HashMap<u8, u64> = HashMap::new();
            let mut least = LeastRecent::default();
            for (tick, used) in (0_u64..).zip(uses) {
                match used {
                    Some(id) => {
                        ticks.insert(id, tick);
                    }
                    None => {
                        let found = least.find(
                            || ticks.iter().map(|(id, tick)| (*tick, *id)),
                            |id| ticks.get(&id).copied(),
                        );
                        let wanted = ticks.iter().map(|(id, tick)| (*tick, *id)).min();
                        prop_assert_eq!(found, wanted);
                        if let Some((_, id)) = found {
                            ticks.remove(&id);
                        }
                    }
                }
            }
        }
    }
}
