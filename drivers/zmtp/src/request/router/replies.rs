use std::collections::{HashMap, VecDeque};
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use pubsub_api::PeerId;
use tokio::sync::Notify;
use tokio::time::timeout;

/// Encoded replies on their way to one requester, between the caller that replies and the shard that writes.
///
/// The caller waits for room here, so a requester costs [`MAX_WAITING_BYTES`] and one event, however large its replies
/// are and however slowly it reads.
#[derive(Debug, Default)]
pub(crate) struct ReplyQueue {
    state: Mutex<State>,
    changed: Notify,
}

/// The most bytes that wait for one requester: enough that it is not idle while the caller is woken. A thousand that stall cost
/// half a gigabyte, however large their replies are.
pub(crate) const MAX_WAITING_BYTES: usize = 512 * 1024;

/// The size up to which a chunk grows: a PONG may have to wait for one chunk. A single event may be larger.
pub(crate) const CHUNK_BYTES: usize = 64 * 1024;

#[derive(Debug, Default)]
struct State {
    /// Each of whole events; not yet taken by the shard.
    chunks: VecDeque<Vec<u8>>,
    /// What is not yet written, also of what the shard has taken.
    bytes: usize,
    gone: bool,
}

/// Why the queue accepts nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NoRoom {
    /// The connection has ended.
    Gone,
    /// The requester read nothing within the time that it has.
    Stalled,
}

impl ReplyQueue {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until half is free, as long as the requester reads something within `patience`. Returns the number of bytes that fit.
    /// Cancel-safe.
    pub(crate) async fn room(&self, patience: Duration) -> Result<usize, NoRoom> {
        loop {
            let mut changed = pin!(self.changed.notified());
            // From here on no change is missed, whichever comes first, the change or the wait.
            changed.as_mut().enable();
            {
                let state = self.lock();
                if state.gone {
                    return Err(NoRoom::Gone);
                }
                if state.bytes <= MAX_WAITING_BYTES / 2 {
                    return Ok(MAX_WAITING_BYTES - state.bytes);
                }
            }
            timeout(patience, changed).await.map_err(|_| NoRoom::Stalled)?;
        }
    }

    /// Adds whole events; `false` if the connection has ended.
    pub(crate) fn put(&self, chunks: Vec<Vec<u8>>) -> bool {
        let mut state = self.lock();
        if !state.gone {
            state.bytes += chunks.iter().map(Vec::len).sum::<usize>();
            chunks.into_iter().for_each(|chunk| state.add(chunk));
        }
        !state.gone
    }

    /// Takes what was added, to write it.
    pub(crate) fn take(&self) -> VecDeque<Vec<u8>> {
        std::mem::take(&mut self.lock().chunks)
    }

    /// `count` bytes of the taken chunks were written.
    pub(crate) fn wrote(&self, count: usize) {
        let mut state = self.lock();
        state.bytes = state.bytes.saturating_sub(count);
        drop(state);
        self.changed.notify_waiters();
    }

    /// The connection has ended.
    pub(crate) fn leave(&self) {
        *self.lock() = State { gone: true, ..State::default() };
        self.changed.notify_waiters();
    }

    fn waiting_bytes(&self) -> usize {
        self.lock().bytes
    }
}

impl State {
    /// Small chunks become one, so that many small replies cost no more memory than their bytes.
    fn add(&mut self, chunk: Vec<u8>) {
        match self.chunks.back_mut() {
            Some(last) if last.len() + chunk.len() <= CHUNK_BYTES => last.extend_from_slice(&chunk),
            _ => self.chunks.push_back(chunk),
        }
    }
}

/// The requesters that are connected, each with its queue.
#[derive(Debug, Default)]
pub(crate) struct Requesters {
    by_peer: Mutex<HashMap<PeerId, Arc<ReplyQueue>>>,
}

impl Requesters {
    fn lock(&self) -> MutexGuard<'_, HashMap<PeerId, Arc<ReplyQueue>>> {
        self.by_peer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn join(&self, peer: PeerId) -> Arc<ReplyQueue> {
        Arc::clone(self.lock().entry(peer).or_default())
    }

    pub(crate) fn get(&self, peer: PeerId) -> Option<Arc<ReplyQueue>> {
        self.lock().get(&peer).map(Arc::clone)
    }

    /// The connection of this peer has ended.
    pub(crate) fn leave(&self, peer: PeerId) {
        self.lock().remove(&peer);
    }

    /// All connections have ended.
    pub(crate) fn leave_all(&self) {
        self.lock().drain().for_each(|(_, replies)| replies.leave());
    }

    /// The number of bytes that wait for the requester with the fullest queue.
    pub(crate) fn most_waiting_bytes(&self) -> usize {
        self.lock().values().map(|replies| replies.waiting_bytes()).max().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{CHUNK_BYTES, MAX_WAITING_BYTES, NoRoom, ReplyQueue};

    const SOON: Duration = Duration::from_millis(20);
    const LATE: Duration = Duration::from_secs(20);

    #[tokio::test]
    async fn there_is_room_again_when_half_is_written_and_not_when_it_is_taken() {
        let replies = ReplyQueue::default();
        assert_eq!(replies.room(SOON).await, Ok(MAX_WAITING_BYTES));
        assert!(replies.put(vec![vec![0; MAX_WAITING_BYTES - 1], vec![0]]));
        assert_eq!(replies.take().len(), 2);
        assert_eq!(replies.room(SOON).await, Err(NoRoom::Stalled));
        let writes = async {
            for _ in 0..2 {
                tokio::task::yield_now().await;
                replies.wrote(MAX_WAITING_BYTES / 4);
            }
        };
        let (room, ()) = tokio::join!(replies.room(LATE), writes);
        assert_eq!(room, Ok(MAX_WAITING_BYTES / 2));
    }

    #[test]
    fn many_small_answers_are_few_chunks() {
        let replies = ReplyQueue::default();
        (0..CHUNK_BYTES / 4).for_each(|_| assert!(replies.put(vec![vec![0; 8]])));
        let lengths: Vec<usize> = replies.take().iter().map(Vec::len).collect();
        assert_eq!(lengths, [CHUNK_BYTES; 2]);
    }

    #[tokio::test]
    async fn a_wait_for_a_requester_that_leaves_ends_at_once() {
        let replies = ReplyQueue::default();
        assert!(replies.put(vec![vec![0; MAX_WAITING_BYTES]]));
        let leaves = async { replies.leave() };
        let (room, ()) = tokio::join!(replies.room(LATE), leaves);
        assert_eq!(room, Err(NoRoom::Gone));
        assert!(!replies.put(vec![vec![0]]));
    }
}
