/// Bytes for one connection alone: handshake, heartbeats, and what is left of an event whose block is gone.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    bytes: Vec<u8>,
    written: usize,
}

impl Outbox {
    /// As much as waits for a peer before we stop reading from it: enough for a thousand PONGs.
    pub(super) const FULL_BYTES: usize = 32 * 1024;

    /// To append to.
    pub(super) fn bytes(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }

    /// Puts bytes before all others: the rest of an event that was begun.
    pub(super) fn put_first(&mut self, bytes: &[u8]) {
        self.bytes.splice(..self.written, bytes.iter().copied());
        self.written = 0;
    }

    /// All that waits, which is taken.
    pub(super) fn take(&mut self) -> Vec<u8> {
        let waiting = self.waiting().to_vec();
        *self = Self::default();
        waiting
    }

    pub(super) fn waiting(&self) -> &[u8] {
        self.bytes.get(self.written..).unwrap_or_default()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting().is_empty()
    }

    /// Whether too much waits to read anything that adds to it.
    pub(super) fn is_full(&self) -> bool {
        self.waiting().len() >= Self::FULL_BYTES
    }

    /// `count` bytes were written. An empty outbox holds no memory.
    pub(super) fn advance(&mut self, count: usize) {
        self.written += count;
        if self.is_empty() {
            *self = Self::default();
        }
    }
}
