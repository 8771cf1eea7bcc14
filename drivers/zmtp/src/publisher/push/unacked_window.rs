use std::collections::VecDeque;

use super::outbox::chunk::{Chunk, Gone};

/// The events that the link has taken out of the outbox and must keep: written and not yet acknowledged, or not yet written.
///
/// Events are numbered 1, 2, 3 … in the order of `send`, whatever connection they go over. Chunks are kept as they were
/// written, so that keeping an event costs no copy.
#[derive(Debug, Default)]
pub(super) struct UnackedWindow {
    chunks: VecDeque<Chunk>,
    /// How many chunks are written whole; the next one is being written.
    at: usize,
    /// Up to here events are kept no more.
    gone: u64,
    /// Up to here they are written to the connection at hand.
    written: u64,
    /// Up to here they were ever written.
    highest: u64,
    done: Vec<Chunk>,
}

/// What a write made whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Whole {
    /// For the first time.
    pub(super) new: u64,
    /// What had been written to an earlier connection.
    pub(super) again: u64,
}

impl UnackedWindow {
    /// What is to be written next.
    pub(super) fn rest(&self) -> &[u8] {
        self.chunks.get(self.at).map(Chunk::rest).unwrap_or_default()
    }

    /// Whether no event is written in part, so that another message may follow.
    pub(super) fn is_between_events(&self) -> bool {
        self.chunks.get(self.at).is_none_or(Chunk::is_between_events)
    }

    /// The number of the first event that is kept, or comes next.
    pub(super) fn first(&self) -> u64 {
        self.gone + 1
    }

    /// The highest number that was ever written.
    pub(super) fn highest(&self) -> u64 {
        self.highest
    }

    /// How many events are written to the connection at hand and kept.
    pub(super) fn unacknowledged(&self) -> u64 {
        self.written - self.gone
    }

    /// Adds a chunk after all others.
    pub(super) fn add(&mut self, chunk: Chunk) {
        self.chunks.push_back(chunk);
    }

    /// `count` more bytes were written.
    pub(super) fn advance(&mut self, count: usize) -> Whole {
        let Some(chunk) = self.chunks.get_mut(self.at) else { return Whole { new: 0, again: 0 } };
        let events = chunk.advance(count) as u64;
        if chunk.rest().is_empty() {
            self.at += 1;
        }
        self.written += events;
        let new = self.written.saturating_sub(self.highest);
        self.highest += new;
        Whole { new, again: events - new }
    }

    /// Removes what is written: it will not be acknowledged.
    pub(super) fn release_written(&mut self) -> Gone {
        self.release(self.written)
    }

    /// The service acknowledges all up to this number; `None` if less was written to it.
    pub(super) fn acknowledge(&mut self, up_to: u64) -> Option<Gone> {
        (up_to <= self.written).then(|| self.release(up_to))
    }

    fn release(&mut self, up_to: u64) -> Gone {
        let mut gone = Gone::default();
        while self.gone < up_to
            && let Some(first) = self.chunks.front_mut()
        {
            let more = first.release(up_to - self.gone);
            gone.events += more.events;
            gone.bytes += more.bytes;
            self.gone += more.events as u64;
            if first.is_gone() {
                self.at = self.at.saturating_sub(1);
                self.done.extend(self.chunks.pop_front());
            }
        }
        gone
    }

    /// The chunks of which nothing is kept any more.
    pub(super) fn done(&mut self) -> impl Iterator<Item = Chunk> + '_ {
        self.done.drain(..)
    }

    /// The connection broke: all that is kept is to be written again.
    pub(super) fn rewind(&mut self) {
        self.at = 0;
        self.written = self.gone;
        self.chunks.iter_mut().for_each(Chunk::rewind);
    }
}

#[cfg(test)]
mod tests {
    use super::{UnackedWindow, Whole};
    use crate::publisher::push::outbox::chunk::{Chunk, Gone};

    /// Chunks of two events each, of two bytes each.
    fn window(chunks: u8) -> UnackedWindow {
        let mut window = UnackedWindow::default();
        for number in 0..chunks {
            let mut chunk = Chunk::default();
            for event in [2 * number + 1, 2 * number + 2] {
                chunk.push(|out| out.extend([event; 2]));
            }
            window.add(chunk);
        }
        window
    }

    fn write(window: &mut UnackedWindow, bytes: usize) -> (Vec<u8>, Whole) {
        let (mut written, mut whole) = (Vec::new(), Whole { new: 0, again: 0 });
        while written.len() < bytes && !window.rest().is_empty() {
            let count = window.rest().len().min(bytes - written.len());
            written.extend_from_slice(&window.rest()[..count]);
            let more = window.advance(count);
            whole = Whole { new: whole.new + more.new, again: whole.again + more.again };
        }
        (written, whole)
    }

    #[test]
    fn what_was_not_acknowledged_is_written_again_in_order_without_gaps_and_before_what_is_newer() {
        for (written, acknowledged) in
            (0..=12).flat_map(|bytes| (0..=bytes / 2).map(move |up_to| (bytes, up_to)))
        {
            let mut window = window(3);
            write(&mut window, written);
            let gone = window.acknowledge(acknowledged as u64).unwrap();
            assert_eq!(gone, Gone { events: acknowledged, bytes: 2 * acknowledged });
            window.rewind();
            assert_eq!((window.first(), window.highest()), (acknowledged as u64 + 1, written as u64 / 2));
            let (again, whole) = write(&mut window, 100);
            let wanted: Vec<u8> = (acknowledged as u8 + 1..=6).flat_map(|event| [event; 2]).collect();
            assert_eq!(again, wanted, "{written} bytes written, {acknowledged} events acknowledged");
            let (repeated, fresh) = (written / 2 - acknowledged, 6 - written / 2);
            assert_eq!(whole, Whole { new: fresh as u64, again: repeated as u64 });
            assert_eq!(window.unacknowledged(), 6 - acknowledged as u64);
        }
    }

    #[test]
    fn what_was_not_written_to_this_connection_cannot_be_acknowledged() {
        let mut window = window(2);
        write(&mut window, 5);
        assert_eq!(window.acknowledge(3), None);
        assert_eq!(window.acknowledge(1), Some(Gone { events: 1, bytes: 2 }));
        assert_eq!(window.acknowledge(1), Some(Gone::default()), "once is enough");
        assert_eq!(window.acknowledge(0), Some(Gone::default()), "an older one changes nothing");
        window.rewind();
        assert_eq!(window.acknowledge(2), None, "it was written to another connection");
    }

    #[test]
    fn what_nobody_will_acknowledge_goes_when_it_is_written() {
        let mut window = window(2);
        write(&mut window, 3);
        assert_eq!(window.release_written(), Gone { events: 1, bytes: 2 });
        assert!(!window.is_between_events());
        window.rewind();
        assert!(window.is_between_events());
        assert_eq!(write(&mut window, 3).0, [2, 2, 3]);
        assert_eq!(window.release_written(), Gone { events: 1, bytes: 2 });
        assert_eq!(window.done().count(), 1);
        assert_eq!(window.first(), 3);
    }

    #[test]
    fn an_event_that_goes_while_the_next_one_is_being_written_disturbs_nothing() {
        let mut window = window(2);
        assert_eq!(write(&mut window, 3).0, [1, 1, 2]);
        window.acknowledge(1);
        assert_eq!(write(&mut window, 2).0, [2, 3]);
        window.acknowledge(2);
        assert_eq!(write(&mut window, 9).0, [3, 4, 4]);
        assert_eq!(window.acknowledge(4), Some(Gone { events: 2, bytes: 4 }));
        assert_eq!(window.done().count(), 2);
        assert!(window.rest().is_empty());
    }
}
