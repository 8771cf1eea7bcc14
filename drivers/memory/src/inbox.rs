use std::collections::VecDeque;

use pubsub_api::{Envelope, Incoming, Notice, PublisherEpoch, Topic};

/// Received items that are not yet read: events up to a bound, and the notices between them in order.
///
/// Notices are bounded too: between two events there is at most one gap, and at most five notices of each publisher,
/// because a link that comes up and goes down again with nothing in between leaves no notices. No I/O, no waiting.
#[derive(Debug)]
pub(crate) struct Inbox {
    items: VecDeque<Incoming>,
    events: usize,
    bound: usize,
}

impl Inbox {
    /// An empty inbox for `bound` events.
    pub(crate) fn new(bound: usize) -> Self {
        Self { items: VecDeque::new(), events: 0, bound }
    }

    /// The number of events in it.
    pub(crate) fn events(&self) -> usize {
        self.events
    }

    /// The largest number of events in it.
    pub(crate) fn bound(&self) -> usize {
        self.bound
    }

    /// Whether one more event fits.
    pub(crate) fn has_room(&self) -> bool {
        self.events < self.bound
    }

    /// Adds an event. If it is full, the event becomes part of a gap at this place, and the result is `false`.
    pub(crate) fn push(&mut self, envelope: Envelope) -> bool {
        if self.has_room() {
            self.events += 1;
            self.items.push_back(Incoming::Event(envelope));
            return true;
        }
        for item in self.tail_mut() {
            if let Incoming::Notice(Notice::Gap { events, .. }) = item {
                *events += 1;
                return false;
            }
        }
        let reason = format!("the subscriber was too slow: its inbox of {} events was full", self.bound);
        self.items.push_back(Incoming::Notice(Notice::Gap { topic: None, events: 1, reason }));
        false
    }

    /// Adds the notices of a new link.
    pub(crate) fn link_up(&mut self, publisher: &str, publisher_epoch: Option<PublisherEpoch>) {
        let publisher = publisher.to_owned();
        self.items.push_back(Incoming::Notice(Notice::LinkUp { publisher: publisher.clone() }));
        self.items.push_back(Incoming::Notice(Notice::Subscribed { publisher, publisher_epoch }));
    }

    /// Adds the notice of a new epoch of a link's publisher. If the link was reported as subscribed since the latest
    /// event already, that notice is replaced.
    pub(crate) fn subscribed(&mut self, of: &str, by: PublisherEpoch) {
        for item in self.tail_mut() {
            if let Incoming::Notice(Notice::Subscribed { publisher, publisher_epoch }) = item
                && publisher == of
            {
                *publisher_epoch = Some(by);
                return;
            }
        }
        let notice = Notice::Subscribed { publisher: of.to_owned(), publisher_epoch: Some(by) };
        self.items.push_back(Incoming::Notice(notice));
    }

    /// Adds the notice of a lost link. If the link was lost since the latest event already, that notice covers both, and
    /// the notices in between are removed.
    pub(crate) fn link_down(&mut self, publisher: &str, reason: &str) {
        let start = self.tail_start();
        let is_down = |item: &Incoming| matches!(item, Incoming::Notice(Notice::LinkDown { publisher: p, .. }) if p == publisher);
        let Some(down) = self.items.iter().skip(start).position(is_down).map(|position| start + position)
        else {
            let notice = Notice::LinkDown { publisher: publisher.to_owned(), reason: reason.to_owned() };
            self.items.push_back(Incoming::Notice(notice));
            return;
        };
        let mut position = 0;
        self.items.retain(|item| {
            let forgotten = position > down && is_link_up_of(item, publisher);
            position += 1;
            !forgotten
        });
    }

    /// Removes the next item, in order.
    pub(crate) fn pop(&mut self) -> Option<Incoming> {
        let item = self.items.pop_front();
        if matches!(item, Some(Incoming::Event(_))) {
            self.events -= 1;
        }
        item
    }

    /// Drops the events whose topic does not satisfy `wanted`.
    pub(crate) fn retain(&mut self, wanted: impl Fn(&Topic) -> bool) {
        self.items.retain(|item| !matches!(item, Incoming::Event(envelope) if !wanted(&envelope.topic)));
        self.events = self.items.iter().filter(|item| matches!(item, Incoming::Event(_))).count();
    }

    /// The position after the latest event; only notices follow.
    fn tail_start(&self) -> usize {
        let latest = self.items.iter().rposition(|item| matches!(item, Incoming::Event(_)));
        latest.map_or(0, |position| position + 1)
    }

    fn tail_mut(&mut self) -> impl Iterator<Item = &mut Incoming> {
        let start = self.tail_start();
        self.items.range_mut(start..)
    }
}

fn is_link_up_of(item: &Incoming, of: &str) -> bool {
    match item {
        Incoming::Notice(Notice::LinkUp { publisher } | Notice::Subscribed { publisher, .. }) => {
            publisher == of
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::{Envelope, Inbox, Incoming, Notice, PublisherEpoch, Topic};

    fn event(topic: &'static str) -> Envelope {
        Envelope { topic: Topic::new(topic).unwrap(), payload: Bytes::new() }
    }

    fn drained(inbox: &mut Inbox) -> Vec<String> {
        let text = |item| match item {
            Incoming::Event(envelope) => envelope.topic.to_string(),
            Incoming::Notice(Notice::Gap { events, .. }) => format!("gap of {events}"),
            Incoming::Notice(Notice::LinkUp { publisher }) => format!("{publisher} up"),
            Incoming::Notice(Notice::Subscribed { publisher, publisher_epoch: None }) => {
                format!("{publisher} subscribed")
            }
            Incoming::Notice(Notice::Subscribed { publisher, publisher_epoch: Some(by) }) => {
                format!("{publisher} subscribed, epoch {}", by.epoch)
            }
            Incoming::Notice(Notice::LinkDown { publisher, .. }) => format!("{publisher} down"),
            Incoming::Notice(other) => format!("{other:?}"),
        };
        std::iter::from_fn(|| inbox.pop()).map(text).collect()
    }

    #[test]
    fn events_that_do_not_fit_become_one_gap_before_the_next_event() {
        let mut inbox = Inbox::new(2);
        assert!(inbox.push(event("a")) && inbox.push(event("b")));
        assert!(!inbox.push(event("c")));
        inbox.link_down("p", "gone");
        assert!(!inbox.push(event("d")));
        assert_eq!(inbox.pop(), Some(Incoming::Event(event("a"))));
        assert!(inbox.push(event("e")), "there is room again");
        assert!(!inbox.push(event("f")));
        assert_eq!(drained(&mut inbox), ["b", "gap of 2", "p down", "e", "gap of 1"]);
    }

    #[test]
    fn a_flapping_link_takes_a_bounded_part_of_the_inbox() {
        let mut inbox = Inbox::new(2);
        for _ in 0..1000 {
            inbox.link_up("p", None);
            inbox.link_up("q", None);
            inbox.link_down("q", "gone");
            inbox.link_down("p", "gone");
        }
        assert_eq!(drained(&mut inbox), ["p up", "p subscribed", "q up", "q subscribed", "q down", "p down"]);
    }

    #[test]
    fn a_link_lost_before_and_after_an_event_is_reported_twice() {
        let mut inbox = Inbox::new(2);
        inbox.link_down("p", "gone");
        inbox.link_up("p", None);
        inbox.push(event("a"));
        inbox.link_down("p", "gone");
        assert_eq!(drained(&mut inbox), ["p down", "p up", "p subscribed", "a", "p down"]);
    }

    #[test]
    fn a_new_incarnation_is_reported_in_order_and_once_between_two_events() {
        let mut inbox = Inbox::new(2);
        inbox.link_up("p", None);
        for epoch in [1, 2] {
            inbox.subscribed("p", PublisherEpoch { publisher: 7, epoch });
        }
        inbox.push(event("a"));
        for epoch in [3, 4] {
            inbox.subscribed("p", PublisherEpoch { publisher: 7, epoch });
        }
        assert_eq!(drained(&mut inbox), ["p up", "p subscribed, epoch 2", "a", "p subscribed, epoch 4"]);
    }

    #[test]
    fn events_no_longer_wanted_are_removed_and_make_room() {
        let mut inbox = Inbox::new(2);
        inbox.push(event("a"));
        inbox.push(event("b"));
        inbox.retain(|topic| topic.as_str() == "b");
        assert!(inbox.push(event("c")));
        assert_eq!(drained(&mut inbox), ["b", "c"]);
    }
}
