use std::collections::VecDeque;

/// Which events were written and may not have been read, so that the end of a connection puts them in doubt.
///
/// A PONG proves what was written before its PING. What was not proved by one is bounded by the kernel: it holds no more
/// unread bytes than the socket's send buffer has (unix(7), SO_SNDBUF), so what was written before those was read. What a
/// service had read and not yet passed on when it ended is not counted: it cannot be known here.
#[derive(Debug)]
pub(super) struct InDoubt {
    writes: VecDeque<Write>,
    bytes: usize,
    kernel_bytes: usize,
    /// How many of the writes were before the PING that is under way.
    asked: Option<usize>,
}

/// One write: its bytes, and the number of events that it completed.
#[derive(Debug)]
struct Write {
    events: u64,
    bytes: usize,
}

impl InDoubt {
    /// About a new connection, of which the kernel holds `unread` bytes.
    pub(super) fn new(kernel_bytes: usize) -> Self {
        Self { writes: VecDeque::new(), bytes: 0, kernel_bytes, asked: None }
    }

    /// How many events are in doubt.
    pub(super) fn events(&self) -> u64 {
        self.writes.iter().map(|write| write.events).sum()
    }

    /// Whether a PING would prove something, and none is under way.
    pub(super) fn is_worth_asking(&self) -> bool {
        self.asked.is_none() && !self.writes.is_empty()
    }

    /// Bytes were written.
    pub(super) fn written(&mut self, events: u64, bytes: usize) {
        self.writes.push_back(Write { events, bytes });
        self.bytes += bytes;
        while self.writes.front().is_some_and(|first| self.bytes - first.bytes >= self.kernel_bytes) {
            self.drop_first();
        }
    }

    /// A PING follows what was written so far.
    pub(super) fn asked(&mut self) {
        self.asked = Some(self.writes.len());
    }

    /// A PONG came.
    pub(super) fn answered(&mut self) {
        for _ in 0..self.asked.take().unwrap_or_default() {
            self.drop_first();
        }
    }

    fn drop_first(&mut self) {
        if let Some(first) = self.writes.pop_front() {
            self.bytes -= first.bytes;
            self.asked = self.asked.map(|asked| asked.saturating_sub(1));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::InDoubt;

    #[test]
    fn a_pong_proves_what_was_written_before_its_ping_and_no_more() {
        let mut doubt = InDoubt::new(1000);
        assert!(!doubt.is_worth_asking());
        doubt.written(3, 100);
        doubt.written(0, 10);
        doubt.asked();
        doubt.written(2, 50);
        assert!(!doubt.is_worth_asking(), "one is under way");
        assert_eq!(doubt.events(), 5);
        doubt.answered();
        assert_eq!(doubt.events(), 2);
        assert!(doubt.is_worth_asking());
        doubt.answered();
        assert_eq!(doubt.events(), 2, "nothing was asked");
    }

    #[test]
    fn the_kernel_holds_no_more_than_its_buffer() {
        let mut doubt = InDoubt::new(100);
        for _ in 0..50 {
            doubt.written(1, 30);
        }
        assert_eq!(doubt.events(), 4, "three do not fill it");
        doubt.asked();
        for _ in 0..50 {
            doubt.written(1, 30);
        }
        doubt.answered();
        assert_eq!(doubt.events(), 4, "those that were asked about are gone already");
    }
}
