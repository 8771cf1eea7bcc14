use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::time::Duration;

use pubsub_api::PeerId;

use super::Admission::{Busy, Restart, Start, Waits};
use super::{FULL_RETRY, MAX_SLOW, MAX_WAITING, Origin, Supersedes, SyncQueue};
use crate::publisher::sync::growth::MAX_PLACES;

const NOW: Duration = Duration::ZERO;
const SECOND: Duration = Duration::from_secs(1);

/// Of what it asks for only the name counts.
impl Supersedes for &str {
    fn supersedes(&self, earlier: &Self) -> bool {
        self.split('#').next() == earlier.split('#').next()
    }
}

impl Supersedes for u64 {
    fn supersedes(&self, _: &Self) -> bool {
        false
    }
}

#[test]
fn a_peers_requests_are_served_one_at_a_time_in_order() {
    let mut queue = SyncQueue::default();
    let (one, two) = (PeerId(1), PeerId(2));
    assert_eq!(queue.offer(one, None, "a", NOW), Start("a"));
    assert_eq!(queue.offer(two, None, "d", NOW), Start("d"));
    assert_eq!(queue.offer(one, None, "b", NOW), Waits);
    assert_eq!(queue.offer(one, None, "c", NOW), Waits);
    queue.finished(two);
    assert_eq!(queue.next(NOW), None);
    queue.finished(one);
    assert_eq!(queue.next(NOW), Some((one, "b")));
    assert_eq!(queue.next(NOW), None);
    queue.finished(one);
    assert_eq!(queue.next(NOW), Some((one, "c")));
}

#[test]
fn a_request_without_a_free_place_waits_with_notice_or_is_refused() {
    let mut queue = SyncQueue::default();
    let started =
        (0..100_u64).take_while(|peer| queue.offer(PeerId(*peer), None, *peer, NOW) == Start(*peer));
    assert_eq!(started.count(), 4);
    for peer in 100..100 + MAX_WAITING as u64 - 1 {
        assert_eq!(queue.offer(PeerId(peer), None, peer, NOW), Waits);
    }
    assert_eq!(queue.offer(PeerId(9999), None, 9999, NOW), Busy(9999, FULL_RETRY));
    assert_eq!(queue.overdue(SECOND / 2).count(), 0);
    assert_eq!(queue.overdue(SECOND).count(), MAX_WAITING);
    assert_eq!(queue.overdue(SECOND).count(), 0);
    queue.finished(PeerId(3));
    assert_eq!(queue.next(NOW), Some((PeerId(4), 4)), "the first that came");
}

#[test]
fn a_repeated_request_has_the_turn_of_the_first_one() {
    let mut queue = SyncQueue::default();
    for peer in 0..4 {
        assert_eq!(queue.offer(PeerId(peer), None, "a#1", NOW), Start("a#1"));
    }
    assert_eq!(queue.offer(PeerId(8), None, "a#1", NOW), Waits);
    assert_eq!(queue.offer(PeerId(9), None, "a#1", NOW), Waits);
    assert_eq!(queue.offer(PeerId(8), None, "a#2", NOW), Waits);
    assert_eq!(queue.waiting(), 2, "nothing is answered twice");
    assert_eq!(queue.offer(PeerId(0), None, "a#2", NOW), Restart("a#2"));
    queue.finished(PeerId(1));
    assert_eq!(queue.next(NOW), Some((PeerId(8), "a#2")));
}

/// Peers on lines, each of which carries a number of bytes per second for all of its peers together.
struct Scene {
    queue: SyncQueue<u64>,
    /// Peer: its line, what is still to be sent to it, and what it took.
    peers: BTreeMap<u64, (u64, f64, f64)>,
    running: BTreeSet<u64>,
    done: BTreeMap<u64, u64>,
}

impl Scene {
    fn new(peers: impl IntoIterator<Item = (u64, u64, f64)>) -> Self {
        let peers = peers.into_iter().map(|(peer, sequence, bytes)| (peer, (sequence, bytes, 0.0))).collect();
        let mut scene =
            Self { queue: SyncQueue::default(), peers, running: BTreeSet::new(), done: BTreeMap::new() };
        for peer in scene.peers.keys() {
            if let Start(_) = scene.queue.offer(PeerId(*peer), None, *peer, NOW) {
                scene.running.insert(*peer);
            }
        }
        scene
    }

    /// Runs for this number of seconds, where a line carries `rate(line)`; returns the largest number of answers at one time.
    fn run(&mut self, seconds: u64, rate: impl Fn(u64) -> f64) -> usize {
        let mut most = 0;
        for second in 1..=seconds {
            let now = Duration::from_secs(second);
            let mut sharing = BTreeMap::<u64, f64>::new();
            for peer in &self.running {
                *sharing.entry(self.peers[peer].0).or_default() += 1.0;
            }
            for peer in self.running.clone() {
                let (sequence, left, taken) = self.peers.get_mut(&peer).unwrap();
                let bytes = (rate(*sequence) / sharing[sequence]).min(*left);
                *left -= bytes;
                *taken += bytes;
                if *left < 1.0 {
                    self.running.remove(&peer);
                    self.queue.finished(PeerId(peer));
                    self.done.insert(peer, second);
                }
            }
            for PeerId(peer) in self.queue.judge(now, |peer| self.peers[&peer.0].2 as u64) {
                self.running.remove(&peer);
                self.queue.finished(PeerId(peer));
            }
            while let Some((PeerId(peer), _)) = self.queue.next(now) {
                self.running.insert(peer);
            }
            most = most.max(self.running.len());
        }
        most
    }
}

const MIB: f64 = 1024.0 * 1024.0;

#[test]
fn sixty_agents_on_one_thin_line_are_complete_in_the_time_that_the_line_needs() {
    let mut scene = Scene::new((0..60).map(|peer| (peer, 0, 8.0 * MIB)));
    let most = scene.run(60, |_| 12.0 * MIB);
    assert!(most <= 8, "{most} at once on a line that is full with 4");
    assert_eq!(scene.done.len(), 60);
    assert!(scene.done.values().all(|second| *second <= 45), "40 s of line: {:?}", scene.done);
    let first_half = (0..30).filter(|peer| scene.done[peer] <= 25).count();
    assert!(first_half >= 25, "in their order, not all at the end: {:?}", scene.done);
}

#[test]
fn agents_on_separate_lines_are_served_at_the_same_time() {
    let mut scene = Scene::new((0..32).map(|peer| (peer, peer, 8.0 * MIB)));
    let most = scene.run(120, |_| 0.25 * MIB);
    assert_eq!(most, MAX_PLACES);
    assert!(scene.done.len() == 32, "32 s each, 16 at a time: {:?}", scene.done);
}

#[test]
fn peers_that_read_slowly_keep_nobody_waiting() {
    let slow = (0..20).map(|peer| (peer, peer, 100.0 * MIB));
    let quick = (100..110).map(|peer| (peer, peer, 8.0 * MIB));
    let mut scene = Scene::new(slow.chain(quick));
    scene.run(60, |sequence| if sequence < 100 { 4096.0 } else { 100.0 * MIB });
    assert_eq!(scene.done.len(), 10, "{:?}", scene.done);
    assert!(scene.done.keys().all(|peer| *peer >= 100), "{:?}", scene.done);
    assert_eq!(scene.running.len(), 20, "those that read slowly are answered all the same");
}

#[test]
fn an_agent_that_joins_after_twenty_slow_ones_is_answered_within_seconds() {
    let mut scene = Scene::new((0..20).map(|peer| (peer, peer, 100.0 * MIB)));
    let rate = |line: u64| if line < 20 { 4096.0 } else { 100.0 * MIB };
    scene.run(30, rate);
    scene.peers.insert(99, (99, 8.0 * MIB, 0.0));
    let joins = scene.queue.offer(PeerId(99), None, 99, Duration::from_secs(30));
    assert_eq!(joins, Waits);
    let now = Duration::from_secs(31);
    scene.queue.judge(now, |peer| scene.peers[&peer.0].2 as u64 + 4096);
    assert_eq!(scene.queue.next(now), Some((PeerId(99), 99)), "the slow ones yield at the next judgement");
    let mut scene = Scene::new((0..20).map(|peer| (peer, peer, 100.0 * MIB)));
    scene.peers.insert(99, (99, 8.0 * MIB, 0.0));
    assert_eq!(scene.queue.offer(PeerId(99), None, 99, NOW), Waits);
    scene.run(25, rate);
    assert!(scene.done.get(&99).is_some_and(|second| *second <= 20), "{:?}", scene.done);
}

#[test]
fn the_connections_of_one_key_have_half_of_the_places_from_whatever_host() {
    let mut queue = SyncQueue::default();
    let (greedy, other) = (Some(Origin::Account(1)), Some(Origin::Account(2)));
    let offers = (0..16_u64).map(|peer| queue.offer(PeerId(peer), greedy, peer, NOW));
    assert_eq!(offers.filter(|offer| matches!(offer, Start(_))).count(), 2, "of four places");
    assert_eq!(queue.offer(PeerId(99), other, 99, NOW), Start(99));
}

#[test]
fn of_too_many_slow_peers_the_slowest_are_dropped() {
    let mut scene = Scene::new((0..200).map(|peer| (peer, peer, 100.0 * MIB)));
    let most = scene.run(300, |_| 4096.0);
    assert!(most <= MAX_SLOW + MAX_PLACES, "{most}");
    assert_eq!(scene.queue.waiting(), 0, "everyone had a turn");
}

fn host(last: u8) -> Option<Origin> {
    Some(Origin::Host(Ipv4Addr::new(192, 0, 2, last).into()))
}

#[test]
fn the_peers_of_one_host_have_half_of_the_places_and_another_host_begins_at_once() {
    let mut queue = SyncQueue::default();
    let offers = (0..20_u64).map(|peer| queue.offer(PeerId(peer), host(1), peer, NOW));
    assert_eq!(offers.filter(|offer| matches!(offer, Start(_))).count(), 2, "of four places");
    assert_eq!(queue.next(NOW), None, "places are free, and not for this host");
    assert_eq!(queue.offer(PeerId(100), host(2), 100, NOW), Start(100));
    assert_eq!(queue.offer(PeerId(101), host(2), 101, NOW), Start(101));
    assert_eq!(queue.offer(PeerId(102), host(3), 102, NOW), Waits, "all places are taken");
    queue.finished(PeerId(100));
    assert_eq!(queue.next(NOW), Some((PeerId(102), 102)), "those before it are of a host that has its share");
}

#[test]
fn the_peers_of_one_host_fill_half_of_the_queue() {
    let mut queue = SyncQueue::default();
    let offers = (0..2000_u64).map(|peer| queue.offer(PeerId(peer), host(1), peer, NOW));
    let waits = offers.filter(|offer| *offer == Waits).count();
    assert_eq!(waits, MAX_WAITING / 2);
    (5000..5002).for_each(|peer| assert_eq!(queue.offer(PeerId(peer), host(2), peer, NOW), Start(peer)));
    assert_eq!(queue.offer(PeerId(5002), host(2), 5002, NOW), Waits);
}

#[test]
fn slow_peers_of_one_host_have_half_as_many_replies_as_those_of_many_hosts() {
    let mut queue = SyncQueue::default();
    for peer in 0..200_u64 {
        queue.offer(PeerId(peer), host(1), peer, NOW);
    }
    let mut dropped = 0;
    for second in 1..=600 {
        let now = Duration::from_secs(second);
        for peer in queue.judge(now, |peer| 4096 * second + peer.0) {
            queue.finished(peer);
            dropped += 1;
        }
        while queue.next(now).is_some() {}
        assert!(queue.slow().count() <= MAX_SLOW / 2);
    }
    assert_eq!((queue.waiting(), queue.running.len()), (0, 200 - dropped), "each has had a turn");
}
