use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

use crate::publisher::numbering::topics::TopicId;

/// When each topic's mark is due: 0.25, 1, 2 and 4 s after its last event, then every 10 s ± 20 %, or at the interval that its
/// publisher sets (docs/decisions/0005-marks-instead-of-acknowledgements.md).
///
/// Times are since the publisher's start; randomness comes in as input. An event on a topic that had one within the last
/// quarter of a second changes only the time of the last event: the mark that is due then checks how long ago that was.
#[derive(Debug)]
pub(crate) struct MarkSchedule {
    /// The interval of marks after the trailing ones.
    idle: Duration,
    /// By the index of the topic.
    slots: Vec<Slot>,
    due: BinaryHeap<Reverse<(Duration, TopicId)>>,
}

#[derive(Debug, Clone, Copy)]
struct Slot {
    last_event: Duration,
    /// The valid entry of the heap; other entries of the topic there are outdated.
    due: Option<Duration>,
    /// The number of marks since the last event.
    marks: usize,
}

/// The times of the trailing marks after a topic's last event.
const TRAILING: [Duration; 4] =
    [Duration::from_millis(250), Duration::from_secs(1), Duration::from_secs(2), Duration::from_secs(4)];

/// The interval of marks after the trailing ones.
const IDLE: Duration = Duration::from_secs(10);

/// After missed subscriptions, the marks of all topics are sent within this time.
const SPREAD: Duration = Duration::from_secs(1);

impl Default for MarkSchedule {
    fn default() -> Self {
        Self::every(IDLE)
    }
}

impl MarkSchedule {
    /// A schedule with this interval for the marks of idle topics, ± 20 %.
    pub(crate) fn every(idle: Duration) -> Self {
        Self { idle, slots: Vec::new(), due: BinaryHeap::new() }
    }

    /// Notes an event; returns whether a mark is due earlier than before.
    #[inline]
    pub(crate) fn touch(&mut self, id: TopicId, now: Duration) -> bool {
        if self.slots.len() <= id.index() {
            self.slots.resize(id.index() + 1, Slot { last_event: now, due: None, marks: 0 });
        }
        let Some(slot) = self.slots.get_mut(id.index()) else { return false };
        slot.last_event = now;
        slot.marks = 0;
        let first = now + TRAILING.first().copied().unwrap_or(self.idle);
        if slot.due.is_some_and(|due| due <= first) {
            return false;
        }
        self.plan(id, first)
    }

    fn plan(&mut self, id: TopicId, due: Duration) -> bool {
        if let Some(slot) = self.slots.get_mut(id.index()) {
            slot.due = Some(due);
        }
        let is_sooner = self.due.peek().is_none_or(|Reverse((first, _))| due < *first);
        self.due.push(Reverse((due, id)));
        is_sooner
    }

    /// Forgets the topic that had this index.
    pub(crate) fn forget(&mut self, id: TopicId) {
        if let Some(slot) = self.slots.get_mut(id.index()) {
            *slot = Slot { last_event: Duration::ZERO, due: None, marks: 0 };
        }
    }

    /// The earliest time at which a mark is due.
    pub(crate) fn next(&self) -> Option<Duration> {
        self.due.peek().map(|Reverse((due, _))| *due)
    }

    /// The topics whose marks are due, at most `most` of them, each with its next mark planned. `chance` returns numbers from 0
    /// to 1.
    pub(crate) fn take_due(
        &mut self,
        now: Duration,
        limit: usize,
        mut chance: impl FnMut() -> f64,
    ) -> Vec<TopicId> {
        let mut taken = Vec::new();
        let interval = self.idle;
        while taken.len() < limit
            && let Some(Reverse((due, id))) = self.due.peek().copied()
            && due <= now
        {
            self.due.pop();
            let Some(slot) = self.slots.get_mut(id.index()) else { continue };
            if slot.due != Some(due) {
                continue;
            }
            let trailing = TRAILING.get(slot.marks).map(|after| slot.last_event + *after);
            if let Some(later) = trailing.filter(|later| *later > now) {
                self.plan(id, later);
                continue;
            }
            slot.marks += 1;
            let idle = || now + interval.mul_f64(0.8 + 0.4 * chance().clamp(0.0, 1.0));
            let next = TRAILING.get(slot.marks).map(|after| slot.last_event + *after);
            let next = next.filter(|next| *next > now).unwrap_or_else(idle);
            self.plan(id, next);
            taken.push(id);
        }
        taken
    }

    /// Makes all marks due within a second; `chance` returns numbers from 0 to 1.
    pub(super) fn all_soon(&mut self, now: Duration, mut chance: impl FnMut() -> f64) {
        self.due.clear();
        let entries = self.slots.iter_mut().zip((0..).map(TopicId::of));
        for (slot, id) in entries.filter(|(slot, _)| slot.due.is_some()) {
            let due = now + SPREAD.mul_f64(chance().clamp(0.0, 1.0));
            let due = slot.due.map_or(due, |before| before.min(due));
            slot.due = Some(due);
            slot.marks = slot.marks.max(TRAILING.len());
            self.due.push(Reverse((due, id)));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::MarkSchedule;
    use crate::publisher::numbering::topics::TopicId;

    /// The times, in milliseconds, of the marks of topic 0 after these events, with a chance of one half.
    fn marks(events: &[u64], until: u64) -> Vec<u64> {
        let mut schedule = MarkSchedule::default();
        let mut marks = Vec::new();
        for now in 0..until {
            let at = Duration::from_millis(now);
            if events.contains(&now) {
                schedule.touch(TopicId::of(0), at);
            }
            marks.extend(schedule.take_due(at, 9, || 0.5).iter().map(|_| now));
        }
        marks
    }

    #[test]
    fn marks_come_after_the_last_event_and_then_every_ten_seconds() {
        assert_eq!(marks(&[0], 40_000), [250, 1000, 2000, 4000, 14_000, 24_000, 34_000]);
        assert_eq!(marks(&[0, 600], 5000), [250, 850, 1600, 2600, 4600]);
        assert_eq!(marks(&[0, 20_000], 22_000), [250, 1000, 2000, 4000, 14_000, 20_250, 21_000]);
    }

    #[test]
    fn a_busy_topic_has_no_marks_until_it_rests() {
        let busy: Vec<u64> = (0..3000).step_by(100).collect();
        assert_eq!(marks(&busy, 5000), [3150, 3900, 4900]);
    }

    #[test]
    fn marks_of_idle_topics_are_spread_and_all_follow_soon_after_missed_subscriptions() {
        let mut schedule = MarkSchedule::default();
        let mut chances = (0..).map(|n| f64::from(n % 10) / 9.0);
        let mut chance = move || chances.next().unwrap();
        for topic in 0..100 {
            schedule.touch(TopicId::of(topic), Duration::ZERO);
        }
        for at in [250, 1000, 2000, 4000] {
            assert_eq!(schedule.take_due(Duration::from_millis(at), 200, &mut chance).len(), 100);
        }
        assert!(schedule.take_due(Duration::from_millis(11_999), 200, &mut chance).is_empty());
        assert_eq!(schedule.take_due(Duration::from_millis(12_000), 200, &mut chance).len(), 10);
        schedule.all_soon(Duration::from_millis(12_000), &mut chance);
        assert_eq!(schedule.take_due(Duration::from_millis(13_000), 200, &mut chance).len(), 100);
        assert!(schedule.take_due(Duration::from_millis(20_000), 200, &mut chance).is_empty());
    }
}
