use super::World;
use crate::database::{KEYS, topic_of};
use crate::service::Service;

/// What happens to one publisher or its link.
impl World {
    /// Another publisher takes the place of one. Behind a proxy it only comes to it: the one that went is missed there.
    pub(super) fn replace(&mut self, at: usize) {
        self.disconnect(at);
        let link = &mut self.links[at];
        if !link.is_proxied {
            link.service = Service::new(self.next_publisher, 40);
            self.next_publisher += 1;
        }
    }

    /// A publisher forgets a topic that was idle for long.
    pub(super) fn retire(&mut self, at: usize) {
        let topic = topic_of(self.random.u8(0..KEYS));
        let link = &mut self.links[at];
        if link.is_up
            && link.stream.is_empty()
            && let Some(mark) = link.service.retire(&topic, self.now)
        {
            self.subscriber.feed.message(mark, self.now);
        }
    }

    pub(super) fn mark(&mut self, at: usize) {
        let link = &mut self.links[at];
        if link.is_up {
            let marks = link.service.marks(self.now);
            link.stream.extend(self.random.choice(marks));
        }
    }

    pub(super) fn repeat(&mut self, at: usize) {
        let stream = &mut self.links[at].stream;
        if let Some(first) = stream.front().cloned() {
            let place = self.random.usize(0..=stream.len().min(5));
            stream.insert(place, first);
        }
    }

    pub(super) fn reorder(&mut self, at: usize) {
        let stream = &mut self.links[at].stream;
        let others = stream.len().min(5);
        if others > 1 {
            let other = self.random.usize(1..others);
            stream.swap(0, other);
        }
    }
}
