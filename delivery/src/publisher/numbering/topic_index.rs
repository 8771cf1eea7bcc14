use std::collections::VecDeque;

use crate::publisher::ring::event_layout::EventLayout;

/// Where the ring has the events of one topic: those with the highest sequences, without a gap.
#[derive(Debug, Default)]
pub(crate) struct TopicIndex {
    places: VecDeque<Place>,
    bytes: u64,
    /// Whether one was replaced, so that their segments may not ascend.
    mixed: bool,
}

/// The place of one event in the ring.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    /// The number of the segment.
    pub(crate) segment: u32,
    /// The offset of the event in it.
    pub(crate) start: u32,
    pub(crate) layout: EventLayout,
}

impl Place {
    /// The size of the event in bytes.
    pub(crate) fn bytes(self) -> u32 {
        self.layout.bytes()
    }

    /// The offset of the end of the event in the segment.
    pub(crate) fn end(self) -> u32 {
        self.start.saturating_add(self.bytes())
    }
}

impl TopicIndex {
    /// Adds the place of the last sequence.
    #[inline]
    pub(crate) fn push(&mut self, place: Place) {
        self.extend(std::iter::once(place));
    }

    /// Adds the places of the last sequences, in order.
    #[inline]
    pub(crate) fn extend(&mut self, places: impl Iterator<Item = Place>) {
        let bytes = &mut self.bytes;
        self.places.extend(places.inspect(|place| *bytes += u64::from(place.bytes())));
    }

    /// Replaces the place of sequence `number`, where `last` is the last sequence; returns `false` if it is not in the ring.
    pub(crate) fn replace(&mut self, last: u64, number: u64, place: Place) -> bool {
        let Some(at) = number.checked_sub(self.oldest(last)).and_then(|at| usize::try_from(at).ok()) else {
            return false;
        };
        let Some(old) = self.places.get_mut(at) else { return false };
        self.bytes = self.bytes + u64::from(place.bytes()) - u64::from(old.bytes());
        *old = place;
        self.mixed = true;
        true
    }

    /// Forgets all places in segments before `segment`.
    pub(crate) fn forget_before(&mut self, segment: u32) {
        let is_gone = |place: &Place| place.segment < segment;
        if self.mixed
            && let Some(last) = self.places.iter().rposition(is_gone)
        {
            // An event before a gap is of no use.
            let gone = self.places.drain(..=last);
            self.bytes -= gone.map(|place| u64::from(place.bytes())).sum::<u64>();
        }
        while let Some(first) = self.places.front().filter(|place| is_gone(place)) {
            self.bytes -= u64::from(first.bytes());
            self.places.pop_front();
        }
    }

    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }

    /// The lowest sequence in the ring, where `last` is the last one; if there is none, the next sequence.
    pub(super) fn oldest(&self, last: u64) -> u64 {
        (last + 1).saturating_sub(self.places.len() as u64)
    }

    /// The places of the sequences from `from` on.
    pub(crate) fn since(&self, last: u64, from: u64) -> Vec<Place> {
        let skipped = from.saturating_sub(self.oldest(last));
        self.places.iter().skip(usize::try_from(skipped).unwrap_or(usize::MAX)).copied().collect()
    }

    /// The size, in bytes, of the events from sequence `from` on.
    pub(crate) fn bytes_since(&self, last: u64, from: u64) -> u64 {
        let skipped = from.saturating_sub(self.oldest(last));
        if skipped == 0 {
            return self.bytes;
        }
        let places = self.places.iter().skip(usize::try_from(skipped).unwrap_or(usize::MAX));
        places.map(|place| u64::from(place.bytes())).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::{EventLayout, Place, TopicIndex};

    fn place(segment: u32, start: u32) -> Place {
        of_size(segment, start, 10)
    }

    fn of_size(segment: u32, start: u32, bytes: usize) -> Place {
        Place { segment, start, layout: EventLayout::new(0, 1, 1, bytes - 1).unwrap() }
    }

    #[test]
    fn the_highest_sequences_stay_when_the_oldest_segments_are_removed() {
        let mut index = TopicIndex::default();
        (0..9).for_each(|n| index.push(place(n / 3, n)));
        assert_eq!((index.oldest(9), index.bytes_since(9, 1)), (1, 90));
        index.forget_before(1);
        assert_eq!((index.oldest(9), index.bytes_since(9, 0)), (4, 60));
        assert_eq!(index.since(9, 8), [place(2, 7), place(2, 8)]);
        assert_eq!((index.since(9, 10), index.bytes_since(9, 10)), (Vec::new(), 0));
        index.forget_before(9);
        assert_eq!((index.oldest(9), index.bytes_since(9, 0)), (10, 0));
    }

    #[test]
    fn a_replaced_place_is_forgotten_with_those_before_it() {
        let mut index = TopicIndex::default();
        (0..4).for_each(|n| index.push(place(n / 2, n)));
        assert!(index.replace(4, 1, of_size(2, 0, 15)));
        assert!(!index.replace(4, 5, place(2, 0)) && !index.replace(4, 0, place(2, 0)));
        assert_eq!((index.oldest(4), index.bytes_since(4, 0)), (1, 45));
        index.forget_before(1);
        assert_eq!((index.oldest(4), index.bytes_since(4, 0)), (3, 20));
    }
}
