use std::collections::{HashMap, HashSet, VecDeque};
use std::time::Duration;

use pubsub_api::PeerId;

use super::token_bucket::TokenBucket;

/// Which requests are answered when: at most one of each peer and sixteen in all at a time, the others in turn, and none of
/// who asks too often. Time comes in as input.
#[derive(Debug)]
pub(super) struct SyncQueue<Request> {
    waiting: VecDeque<(PeerId, Request)>,
    running: HashSet<PeerId>,
    buckets: HashMap<PeerId, TokenBucket>,
}

/// So many are answered at the same time. Each costs a chunk of a replay and a list of its events; who does not read keeps
/// its place for no longer than the driver waits for it.
const MAX_RUNNING: usize = 16;

/// So many wait.
pub(super) const MAX_WAITING: usize = 64;

/// Of so many peers it is remembered how often they asked, before those that may ask as often as any are forgotten.
const MAX_BUCKETS: usize = 4096;

/// When a peer may ask again that found the queue full.
const FULL_RETRY: Duration = Duration::from_secs(1);

/// What becomes of a request.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Admission<Request> {
    /// It is to be answered now.
    Start(Request),
    /// It waits for its turn.
    Waits,
    /// It is refused; its peer may ask again after so long.
    Busy(Request, Duration),
}

impl<Request> Default for SyncQueue<Request> {
    fn default() -> Self {
        Self { waiting: VecDeque::new(), running: HashSet::new(), buckets: HashMap::new() }
    }
}

impl<Request> SyncQueue<Request> {
    /// A request came.
    pub(super) fn offer(&mut self, peer: PeerId, request: Request, now: Duration) -> Admission<Request> {
        if self.buckets.len() >= MAX_BUCKETS {
            self.buckets.retain(|_, bucket| !bucket.is_full(now));
        }
        let bucket = self.buckets.entry(peer).or_insert_with(|| TokenBucket::new(now));
        if let Err(retry_after) = bucket.take(now) {
            return Admission::Busy(request, retry_after);
        }
        if self.may_start(peer) && !self.waiting.iter().any(|(waiting, _)| *waiting == peer) {
            self.running.insert(peer);
            return Admission::Start(request);
        }
        if self.waiting.len() >= MAX_WAITING {
            return Admission::Busy(request, FULL_RETRY);
        }
        self.waiting.push_back((peer, request));
        Admission::Waits
    }

    /// A request of this peer is answered, or the peer is gone; the one that follows.
    pub(super) fn finished(&mut self, peer: PeerId) -> Option<(PeerId, Request)> {
        self.running.remove(&peer);
        let next = self.waiting.iter().position(|(peer, _)| self.may_start(*peer))?;
        let (peer, request) = self.waiting.remove(next)?;
        self.running.insert(peer);
        Some((peer, request))
    }

    /// How many wait.
    pub(super) fn waiting(&self) -> usize {
        self.waiting.len()
    }

    fn may_start(&self, peer: PeerId) -> bool {
        self.running.len() < MAX_RUNNING && !self.running.contains(&peer)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use pubsub_api::PeerId;

    use super::Admission::{Busy, Start, Waits};
    use super::{FULL_RETRY, MAX_RUNNING, MAX_WAITING, SyncQueue};

    const NOW: Duration = Duration::ZERO;

    #[test]
    fn one_request_of_a_peer_is_answered_at_a_time_and_in_its_order() {
        let mut queue = SyncQueue::default();
        let (one, two) = (PeerId(1), PeerId(2));
        assert_eq!(queue.offer(one, "a", NOW), Start("a"));
        assert_eq!(queue.offer(one, "b", NOW), Waits);
        assert_eq!(queue.offer(one, "c", NOW), Waits);
        assert_eq!(queue.offer(two, "d", NOW), Start("d"));
        assert_eq!(queue.finished(two), None);
        assert_eq!(queue.finished(one), Some((one, "b")));
        assert_eq!(queue.finished(one), Some((one, "c")));
    }

    #[test]
    fn whoever_finds_all_places_taken_waits_or_is_told_to_come_again() {
        let mut queue = SyncQueue::default();
        for peer in 0..MAX_RUNNING as u64 {
            assert_eq!(queue.offer(PeerId(peer), peer, NOW), Start(peer));
        }
        for peer in 100..100 + MAX_WAITING as u64 {
            assert_eq!(queue.offer(PeerId(peer), peer, NOW), Waits);
        }
        assert_eq!(queue.offer(PeerId(999), 999, NOW), Busy(999, FULL_RETRY));
        assert_eq!(queue.finished(PeerId(3)), Some((PeerId(100), 100)));
        assert_eq!(queue.waiting(), MAX_WAITING - 1);
    }

    #[test]
    fn who_asks_too_often_is_told_to_come_again_and_others_are_not() {
        let mut queue = SyncQueue::default();
        let busy = (0..40).filter(|n| matches!(queue.offer(PeerId(1), *n, NOW), Busy(..))).count();
        assert_eq!(busy, 8);
        assert_eq!(queue.offer(PeerId(2), 0, NOW), Start(0));
    }
}
