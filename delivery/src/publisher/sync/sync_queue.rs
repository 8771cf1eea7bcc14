use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use std::time::Duration;

use pubsub_api::{PeerId, Request};

use super::growth::Growth;
use super::reply_rate::ReplyRate;

/// Schedules the replies to requests. Time comes in as input.
///
/// - Each peer has one reply at a time. Other requests wait in the order of their arrival, and their peers are notified
///   ([`overdue`](Self::overdue)).
/// - The number of replies at a time [grows](Growth) to [`MAX_PLACES`](super::growth::MAX_PLACES) as long as more at once
///   increase the total rate.
/// - A reply slower than [`ReplyRate::MIN_RATE`] yields its place to a waiting request, and continues beside: its peer reads
///   slowly, so it costs only its buffers. Above [`MAX_SLOW`] of them the slowest is dropped; its peer requests again.
/// - The peers of one [`Origin`] have at most half of each: of the places, of the slow replies, of the waiting requests. So a host
///   with many slow peers keeps no other host from recovering; a host that is alone has half of the capacity.
/// - A request that includes all items of an earlier one of its peer replaces it: the peer does not wait for the earlier one
///   any more.
#[derive(Debug)]
pub(super) struct SyncQueue<R> {
    waiting: VecDeque<Waiting<R>>,
    running: HashMap<PeerId, Running<R>>,
    growth: Growth,
}

/// Where a peer comes from: the identity that it proved, or else its host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Origin {
    Account(u64),
    Host(IpAddr),
}

impl Origin {
    pub(super) fn of(request: &Request) -> Option<Self> {
        request.account.map(Self::Account).or(request.host.map(Self::Host))
    }
}

#[derive(Debug)]
struct Waiting<R> {
    peer: PeerId,
    origin: Option<Origin>,
    request: R,
    /// When its peer was last notified that it waits.
    reported: Duration,
}

#[derive(Debug)]
struct Running<R> {
    origin: Option<Origin>,
    request: R,
    rate: ReplyRate,
    is_slow: bool,
}

/// A request that may replace an earlier one of its peer.
pub(super) trait Supersedes: Clone {
    /// Whether this includes all that `earlier` requests.
    fn supersedes(&self, earlier: &Self) -> bool;
}

/// The most slow replies.
pub(super) const MAX_SLOW: usize = 64;

/// The most waiting requests: as many as a driver keeps before they are read here.
pub(crate) const MAX_WAITING: usize = 1024;

/// When a peer that found the queue full may request again.
const FULL_RETRY: Duration = Duration::from_secs(1);

/// The interval at which a peer is notified that its request waits; well below the deadline of a subscriber.
const WAITING: Duration = Duration::from_secs(1);

/// The result for a new request.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Admission<R> {
    /// Reply now.
    Start(R),
    /// Reply now, and end the current reply to this peer.
    Restart(R),
    /// It waits for its turn.
    Waits,
    /// It is refused; its peer may request again after this time.
    Busy(R, Duration),
}

impl<R> Default for SyncQueue<R> {
    fn default() -> Self {
        Self { waiting: VecDeque::new(), running: HashMap::new(), growth: Growth::default() }
    }
}

impl<R: Supersedes> SyncQueue<R> {
    /// Adds a request.
    pub(super) fn offer(
        &mut self,
        peer: PeerId,
        origin: Option<Origin>,
        request: R,
        now: Duration,
    ) -> Admission<R> {
        let is_earlier = |other: &&mut Waiting<R>| other.peer == peer && request.supersedes(&other.request);
        if let Some(earlier) = self.waiting.iter_mut().find(is_earlier) {
            earlier.request = request;
            return Admission::Waits;
        }
        if let Some(running) = self.running.get_mut(&peer).filter(|it| request.supersedes(&it.request)) {
            running.request = request.clone();
            running.rate = ReplyRate::new(now);
            return Admission::Restart(request);
        }
        if self.may_start(peer, origin) && !self.waiting.iter().any(|waiting| waiting.peer == peer) {
            return Admission::Start(self.start(peer, origin, request, now));
        }
        let of_origin = self.waiting.iter().filter(|waiting| is_of(origin, waiting.origin)).count();
        if self.waiting.len() >= MAX_WAITING || of_origin >= share(MAX_WAITING) {
            return Admission::Busy(request, FULL_RETRY);
        }
        self.waiting.push_back(Waiting { peer, origin, request, reported: now });
        Admission::Waits
    }

    fn start(&mut self, peer: PeerId, origin: Option<Origin>, request: R, now: Duration) -> R {
        let running = Running { origin, request: request.clone(), rate: ReplyRate::new(now), is_slow: false };
        self.running.insert(peer, running);
        request
    }

    /// Ends a request: the reply is complete, or the peer is gone.
    pub(super) fn finished(&mut self, peer: PeerId) {
        self.running.remove(&peer);
    }

    /// The next request to reply to.
    pub(super) fn next(&mut self, now: Duration) -> Option<(PeerId, R)> {
        let next = self.waiting.iter().position(|waiting| self.may_start(waiting.peer, waiting.origin))?;
        let Waiting { peer, origin, request, .. } = self.waiting.remove(next)?;
        Some((peer, self.start(peer, origin, request, now)))
    }

    /// Judges the replies, once a second, by the number of bytes sent of each. Returns the peers whose replies are dropped.
    pub(super) fn judge(&mut self, now: Duration, taken: impl Fn(PeerId) -> u64) -> Vec<PeerId> {
        let mut rates = Vec::new();
        for (peer, running) in &mut self.running {
            let rate = running.rate.judge(now, taken(*peer));
            running.is_slow |= !self.waiting.is_empty() && running.rate.is_slow();
            rates.extend(rate.filter(|_| !running.is_slow));
        }
        self.growth.judge(&rates, !self.waiting.is_empty());
        self.slow_beyond_bounds()
    }

    /// The slowest of the slow replies, if they are too many in total or of one host.
    fn slow_beyond_bounds(&self) -> Vec<PeerId> {
        let mut slow: Vec<_> = self.slow().map(|(peer, it)| (it.rate.latest(), *peer, it.origin)).collect();
        slow.sort_unstable();
        let (mut all, mut of_origins) = (slow.len(), HashMap::<Origin, usize>::new());
        for origin in slow.iter().filter_map(|(_, _, origin)| *origin) {
            *of_origins.entry(origin).or_default() += 1;
        }
        let mut beyond = Vec::new();
        for (_, peer, origin) in slow {
            let of_origin = origin.and_then(|origin| of_origins.get_mut(&origin));
            if all > MAX_SLOW || of_origin.as_deref().is_some_and(|count| *count > share(MAX_SLOW)) {
                all -= 1;
                of_origin.into_iter().for_each(|count| *count -= 1);
                beyond.push(peer);
            }
        }
        beyond
    }

    fn slow(&self) -> impl Iterator<Item = (&PeerId, &Running<R>)> {
        self.running.iter().filter(|(_, running)| running.is_slow)
    }

    /// The requests whose peers are to be notified that they wait.
    pub(super) fn overdue(&mut self, now: Duration) -> impl Iterator<Item = (PeerId, &R)> {
        let Self { waiting, running, .. } = self;
        let is_overdue = move |waiting: &&mut Waiting<R>| {
            now.saturating_sub(waiting.reported) >= WAITING && !running.contains_key(&waiting.peer)
        };
        waiting.iter_mut().filter(is_overdue).map(move |waiting| {
            waiting.reported = now;
            (waiting.peer, &waiting.request)
        })
    }

    /// The number of waiting requests.
    pub(super) fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// Whether there is neither a reply nor a waiting request.
    pub(super) fn is_idle(&self) -> bool {
        self.running.is_empty() && self.waiting.is_empty()
    }

    fn may_start(&self, peer: PeerId, origin: Option<Origin>) -> bool {
        let in_places = || self.running.values().filter(|running| !running.is_slow);
        let of_origin = in_places().filter(|running| is_of(origin, running.origin)).count();
        let places = self.growth.places();
        in_places().count() < places && of_origin < share(places) && !self.running.contains_key(&peer)
    }
}

/// The share of `all` that the peers of one origin may have.
fn share(all: usize) -> usize {
    all.div_ceil(2)
}

/// Whether a peer is known to be of this origin.
fn is_of(origin: Option<Origin>, other: Option<Origin>) -> bool {
    origin.is_some() && origin == other
}

#[cfg(test)]
mod tests;
