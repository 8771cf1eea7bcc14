use pubsub_api::NamedCounters;

/// The events of a batch that follow each other on one topic: they are counted by one operation.
#[derive(Debug, Default)]
pub(super) struct Counted {
    place: usize,
    events: u64,
}

impl Counted {
    /// Counts an event of the topic with this [place](NamedCounters::place).
    #[inline]
    pub(super) fn one(&mut self, place: usize, counters: &NamedCounters) {
        if place != self.place {
            self.flush(counters);
            self.place = place;
        }
        self.events += 1;
    }

    /// Counts the rest.
    pub(super) fn end(mut self, counters: &NamedCounters) {
        self.flush(counters);
    }

    fn flush(&mut self, counters: &NamedCounters) {
        if self.events > 0 {
            counters.add(self.place, std::mem::take(&mut self.events));
        }
    }
}
