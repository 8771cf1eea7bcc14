use std::collections::BTreeMap;

/// A set of numbers, as ranges.
///
/// The memory is proportional to the number of ranges, not of numbers: a caller numbers its calls without gaps, so the ended
/// calls of one caller are a few ranges.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct NumberRanges {
    /// First number to the number after the last. No two ranges touch.
    ranges: BTreeMap<u64, u64>,
}

impl NumberRanges {
    /// Returns whether the set has the number.
    pub(crate) fn contains(&self, number: u64) -> bool {
        self.ranges.range(..=number).next_back().is_some_and(|(_, end)| number < *end)
    }

    /// Adds a number.
    pub(crate) fn insert(&mut self, number: u64) {
        if !self.contains(number) {
            self.insert_range(number, number.saturating_add(1));
        }
    }

    /// Adds every number below `end`.
    pub(crate) fn insert_below(&mut self, end: u64) {
        if self.ranges.get(&0).is_none_or(|known| *known < end) {
            self.insert_range(0, end);
        }
    }

    /// The number of ranges.
    pub(crate) fn len(&self) -> usize {
        self.ranges.len()
    }

    /// Joins the two lowest ranges: adds the numbers between them. Returns the numbers that are new.
    pub(crate) fn join_lowest(&mut self) {
        let second = self.ranges.keys().nth(1).copied();
        if let Some(second) = second {
            self.insert_below(second);
        }
    }

    fn insert_range(&mut self, mut start: u64, mut end: u64) {
        if start >= end {
            return;
        }
        while let Some((first, last)) = self.touching(start, end) {
            self.ranges.remove(&first);
            start = start.min(first);
            end = end.max(last);
        }
        self.ranges.insert(start, end);
    }

    /// A range that overlaps `start..end` or touches it.
    fn touching(&self, start: u64, end: u64) -> Option<(u64, u64)> {
        let (first, last) = self.ranges.range(..=end).next_back()?;
        (*last >= start).then_some((*first, *last))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::{Strategy, any, prop, prop_assert_eq, prop_oneof, proptest};

    use super::NumberRanges;

    #[derive(Debug, Clone)]
    enum Step {
        One(u64),
        Below(u64),
        Join,
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let step = prop_oneof![
            8 => (0u64..60).prop_map(Step::One),
            1 => (0u64..60).prop_map(Step::Below),
            1 => any::<bool>().prop_map(|_| Step::Join),
        ];
        prop::collection::vec(step, 0..60)
    }

    /// The numbers below 60 that are in the set.
    fn numbers(ranges: &NumberRanges) -> BTreeSet<u64> {
        (0..60).filter(|number| ranges.contains(*number)).collect()
    }

    proptest! {
        #[test]
        fn the_set_has_what_was_added_in_as_few_ranges_as_possible(steps in steps()) {
            let (mut ranges, mut model) = (NumberRanges::default(), BTreeSet::new());
            for step in steps {
                match step {
                    Step::One(number) => {
                        ranges.insert(number);
                        model.insert(number);
                    }
                    Step::Below(end) => {
                        ranges.insert_below(end);
                        model.extend(0..end);
                    }
                    Step::Join => {
                        let starts: Vec<u64> = starts(&model);
                        ranges.join_lowest();
                        if let Some(second) = starts.get(1) {
                            model.extend(0..*second);
                        }
                    }
                }
                prop_assert_eq!(numbers(&ranges), model.clone());
                prop_assert_eq!(ranges.len(), starts(&model).len());
            }
        }
    }

    /// The numbers of a set whose predecessors are not in it.
    fn starts(model: &BTreeSet<u64>) -> Vec<u64> {
        let is_start = |number: &&u64| number.checked_sub(1).is_none_or(|before| !model.contains(&before));
        model.iter().filter(is_start).copied().collect()
    }

    #[test]
    fn the_highest_number_does_not_overflow() {
        let mut ranges = NumberRanges::default();
        ranges.insert(u64::MAX);
        ranges.insert_below(u64::MAX);
        assert_eq!(ranges.len(), 1);
    }
}
