use std::collections::HashMap;
use std::hash::Hash;
use std::time::Duration;

use pubsub_api::{PeerId, Request};

use super::sync_queue::Origin;
use crate::token_bucket::TokenBucket;

/// Limits the rate of requests of each connection, and of each key or, where peers prove none, of each host. Time comes in as input.
#[derive(Debug, Default)]
pub(super) struct RequestLimits {
    by_peer: Buckets<PeerId>,
    by_origin: Buckets<Origin>,
}

/// How many times the rate of one connection a key has: as many agents use it at most, or one agent over as many links.
const OF_ACCOUNT: u32 = 4;

/// The same of a host, on which many agents may be.
const OF_HOST: u32 = 16;

/// The number of buckets, before those without recent requests are forgotten. There are no more in use than connections.
const MAX_BUCKETS: usize = 4096;

#[derive(Debug)]
struct Buckets<K>(HashMap<K, TokenBucket>);

impl<K> Default for Buckets<K> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<K: Eq + Hash> Buckets<K> {
    fn take(&mut self, of: K, times: u32, now: Duration) -> Result<(), Duration> {
        if self.0.len() >= MAX_BUCKETS {
            self.0.retain(|_, bucket| !bucket.is_full(now));
        }
        self.0.entry(of).or_insert_with(|| TokenBucket::new(now)).take_of(times, now)
    }
}

impl RequestLimits {
    /// Counts a request against the limit of its connection only.
    ///
    /// # Errors
    /// When the connection may send the next one.
    pub(super) fn take_of_peer(&mut self, peer: PeerId, now: Duration) -> Result<(), Duration> {
        self.by_peer.take(peer, 1, now)
    }

    /// Counts a request.
    ///
    /// # Errors
    /// The name of the limit that it exceeds, and when its peer may request again.
    pub(super) fn take(&mut self, request: &Request, now: Duration) -> Result<(), (&'static str, Duration)> {
        self.by_peer.take(request.peer, 1, now).map_err(|wait| ("too_many_of_peer", wait))?;
        let (times, cause) = match Origin::of(request) {
            Some(Origin::Account(_)) => (OF_ACCOUNT, "too_many_of_key"),
            Some(Origin::Host(_)) => (OF_HOST, "too_many_of_host"),
            None => return Ok(()),
        };
        let Some(origin) = Origin::of(request) else { return Ok(()) };
        self.by_origin.take(origin, times, now).map_err(|wait| (cause, wait))
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;
    use std::time::Duration;

    use bytes::Bytes;
    use pubsub_api::{Envelope, HELLO, PeerId, Request};

    use super::{MAX_BUCKETS, RequestLimits};

    const NOW: Duration = Duration::ZERO;

    fn request(peer: u64) -> Request {
        Request::new(PeerId(peer), Envelope { topic: HELLO, payload: Bytes::new() })
    }

    #[test]
    fn a_peer_with_too_many_requests_learns_when_to_request_again() {
        let mut limits = RequestLimits::default();
        let mut take = |peer: u64| limits.take(&request(peer), NOW);
        assert_eq!((0..40).filter(|_| take(1).is_ok()).count(), 32);
        assert!(matches!(take(1), Err(("too_many_of_peer", wait)) if wait > Duration::ZERO));
        assert!(take(2).is_ok());
    }

    #[test]
    fn many_connections_of_a_key_or_of_a_host_share_a_limit() {
        let mut limits = RequestLimits::default();
        let host = Some(Ipv4Addr::LOCALHOST.into());
        let of_key = |peer| Request { account: Some(7), host, ..request(peer) };
        let taken =
            (0..16).flat_map(|peer| [peer; 32]).filter(|peer| limits.take(&of_key(*peer), NOW).is_ok());
        assert_eq!(taken.count(), 4 * 32);
        assert!(matches!(limits.take(&of_key(100), NOW), Err(("too_many_of_key", _))));
        let of_host = |peer| Request { host, ..request(peer) };
        let taken =
            (200..300).flat_map(|peer| [peer; 32]).filter(|peer| limits.take(&of_host(*peer), NOW).is_ok());
        assert_eq!(taken.count(), 16 * 32, "another key of that host had none of these");
        assert!(matches!(limits.take(&of_host(999), NOW), Err(("too_many_of_host", _))));
        let second = Duration::from_secs(1);
        let taken = (400..500)
            .flat_map(|peer| [peer; 32])
            .filter(|peer| limits.take(&of_host(*peer), second).is_ok());
        assert_eq!(taken.count(), 16 * 20);
    }

    #[test]
    fn peers_without_recent_requests_are_forgotten() {
        let mut limits = RequestLimits::default();
        for peer in 0..3 * MAX_BUCKETS as u64 {
            limits.take(&request(peer), Duration::from_secs(peer)).unwrap();
        }
        assert!(limits.by_peer.0.len() <= MAX_BUCKETS);
    }
}
