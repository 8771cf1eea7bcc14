use std::io;
use std::mem::take;

/// The state of the queue, without threads and locks.
#[derive(Debug)]
pub(super) struct State {
    bound: usize,
    waiting: Vec<u8>,
    /// The number of bytes that the thread is writing now.
    writing: usize,
    dropped: u64,
    failed: Option<io::ErrorKind>,
    is_closed: bool,
}

impl State {
    pub(super) fn new(bound: usize) -> Self {
        Self { bound, waiting: Vec::new(), writing: 0, dropped: 0, failed: None, is_closed: false }
    }

    pub(super) fn bound(&self) -> usize {
        self.bound
    }

    pub(super) fn unwritten(&self) -> usize {
        self.waiting.len() + self.writing
    }

    pub(super) fn has_room_for(&self, bytes: usize) -> bool {
        self.unwritten() == 0 || self.unwritten() + bytes <= self.bound
    }

    pub(super) fn offer(&mut self, bytes: &[u8]) -> bool {
        let has_room = self.has_room_for(bytes.len());
        if has_room {
            self.waiting.extend_from_slice(bytes);
        } else {
            self.dropped += 1;
        }
        has_room
    }

    /// `None` if there is no room.
    pub(super) fn put(&mut self, bytes: &[u8]) -> Option<io::Result<()>> {
        if let Some(failure) = self.failure() {
            return Some(Err(failure));
        }
        self.has_room_for(bytes.len()).then(|| {
            self.waiting.extend_from_slice(bytes);
            Ok(())
        })
    }

    /// `None` while some bytes are unwritten.
    pub(super) fn written(&self) -> Option<io::Result<()>> {
        match self.failure() {
            Some(failure) => Some(Err(failure)),
            None => (self.unwritten() == 0).then_some(Ok(())),
        }
    }

    pub(super) fn failure(&self) -> Option<io::Error> {
        self.failed.map(io::Error::from)
    }

    pub(super) fn close(&mut self) {
        self.is_closed = true;
    }

    pub(super) fn is_idle(&self) -> bool {
        // After a failure drops are reported with the next line; otherwise each report to a broken stderr would cause the next.
        let nothing_to_report = self.dropped == 0 || self.failed.is_some();
        self.waiting.is_empty() && nothing_to_report && !self.is_closed
    }

    /// The next block; `None` if the queue is closed and empty.
    pub(super) fn take(&mut self) -> Option<Vec<u8>> {
        if self.is_closed && self.waiting.is_empty() {
            return None;
        }
        let block = take(&mut self.waiting);
        self.writing = block.len();
        Some(block)
    }

    /// Records the outcome of writing a block and reuses its memory. Returns the number of dropped lines to report.
    pub(super) fn done(&mut self, mut block: Vec<u8>, outcome: io::Result<()>) -> u64 {
        self.writing = 0;
        if let Err(error) = outcome {
            self.failed = Some(error.kind());
            self.dropped += lines(&block) + lines(&self.waiting);
            self.waiting.clear();
            return 0;
        }
        self.failed = None;
        if self.waiting.is_empty() {
            block.clear();
            self.waiting = block;
        }
        take(&mut self.dropped)
    }
}

fn lines(bytes: &[u8]) -> u64 {
    bytes.iter().filter(|byte| **byte == b'\n').count() as u64
}
