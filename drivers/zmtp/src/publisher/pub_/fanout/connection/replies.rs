//! The replies that a connection writes: between them what else is for it, as soon as no chunk is half written.

use std::collections::VecDeque;
use std::io::IoSlice;
use std::sync::Arc;

use crate::request::router::replies::ReplyQueue;

/// What of one requester's replies its connection has taken, to write it.
#[derive(Debug)]
pub(in crate::publisher::pub_::fanout) struct ReplyWriter {
    replies: Arc<ReplyQueue>,
    /// Each of whole events.
    chunks: VecDeque<Vec<u8>>,
    /// How much of the first chunk is written.
    written: usize,
}

impl ReplyWriter {
    pub(in crate::publisher::pub_::fanout) fn new(replies: Arc<ReplyQueue>) -> Self {
        Self { replies, chunks: VecDeque::new(), written: 0 }
    }

    /// Takes what was put, once all that it took before is written.
    pub(super) fn take(&mut self) {
        if self.chunks.is_empty() {
            self.chunks = self.replies.take();
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.chunks.is_empty()
    }

    /// Whether the next bytes of the stream must be of a chunk.
    pub(super) fn is_begun(&self) -> bool {
        self.written > 0
    }

    /// What to write next, of the chunk that is begun alone or of several.
    pub(super) fn gather<'a>(&'a self, begun_alone: bool, slices: &mut [IoSlice<'a>]) -> (usize, usize) {
        let chunks = self.chunks.iter().enumerate().map(|(number, chunk)| {
            let written = if number == 0 { self.written } else { 0 };
            chunk.get(written..).unwrap_or_default()
        });
        let most = if begun_alone { 1 } else { slices.len() };
        let (mut count, mut bytes) = (0, 0);
        for (slice, chunk) in slices.iter_mut().zip(chunks).take(most) {
            *slice = IoSlice::new(chunk);
            count += 1;
            bytes += chunk.len();
        }
        (count, bytes)
    }

    /// `count` bytes of the chunks were written.
    pub(super) fn advance(&mut self, sent: usize) {
        self.replies.wrote(sent);
        self.written += sent;
        while let Some(first) = self.chunks.front()
            && self.written >= first.len()
        {
            self.written -= first.len();
            self.chunks.pop_front();
        }
    }
}

impl Drop for ReplyWriter {
    fn drop(&mut self) {
        self.replies.leave();
    }
}
