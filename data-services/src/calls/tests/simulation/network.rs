use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::calls::CallMessage;
use crate::calls::tests::pair::secs;

/// How often a network misbehaves: probabilities for each message, and for each second.
#[derive(Debug, Clone)]
pub(super) struct Faults {
    /// A message is lost.
    pub(super) loss: f64,
    /// A message arrives twice, the second time with a delay of its own.
    pub(super) duplication: f64,
    /// A message needs up to 3 s.
    pub(super) slow: f64,
    /// A message needs up to 10 min, which is longer than any call and any session.
    pub(super) very_slow: f64,
    /// In a second, a link fails in one direction or both, for up to 10 s.
    pub(super) partitions: f64,
    /// In a second, a node considers another one as lost.
    pub(super) lost_peers: f64,
}

/// A message under way: its sender, its receiver.
#[derive(Debug, Clone)]
pub(super) struct Flight {
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) message: CallMessage,
}

/// A network in virtual time.
#[derive(Debug)]
pub(super) struct Network {
    faults: Faults,
    flights: BTreeMap<(Duration, u64), Flight>,
    serial: u64,
    /// Directions that lose everything, and until when.
    cut: BTreeMap<(usize, usize), Duration>,
}

impl Network {
    pub(super) fn new(faults: Faults) -> Self {
        Self { faults, flights: BTreeMap::new(), serial: 0, cut: BTreeMap::new() }
    }

    pub(super) fn send(&mut self, now: Duration, rng: &mut fastrand::Rng, flight: &Flight) {
        let copies = 1 + usize::from(rng.f64() < self.faults.duplication);
        for _ in 0..copies {
            let is_cut = self.cut.get(&(flight.from, flight.to)).is_some_and(|until| now < *until);
            if rng.f64() < self.faults.loss || (is_cut && flight.from != flight.to) {
                continue;
            }
            self.serial += 1;
            let at = now + self.delay(rng);
            self.flights.insert((at, self.serial), flight.clone());
        }
    }

    fn delay(&self, rng: &mut fastrand::Rng) -> Duration {
        let longest = match rng.f64() {
            draw if draw < self.faults.very_slow => secs(600),
            draw if draw < self.faults.very_slow + self.faults.slow => secs(3),
            _ => Duration::from_millis(20),
        };
        longest.mul_f64(rng.f64())
    }

    /// Once a second: cuts links.
    pub(super) fn cut(&mut self, now: Duration, nodes: usize, rng: &mut fastrand::Rng) {
        if rng.f64() >= self.faults.partitions {
            return;
        }
        let (from, to) = (rng.usize(..nodes), rng.usize(..nodes));
        let until = now + secs(10).mul_f64(rng.f64());
        let both = BTreeSet::from([(from, to), if rng.bool() { (to, from) } else { (from, to) }]);
        self.cut.extend(both.into_iter().map(|direction| (direction, until)));
    }

    /// Whether a node considers another one as lost in this second.
    pub(super) fn loses_a_peer(&self, rng: &mut fastrand::Rng) -> bool {
        rng.f64() < self.faults.lost_peers
    }

    pub(super) fn next(&self) -> Option<Duration> {
        self.flights.keys().next().map(|(at, _)| *at)
    }

    pub(super) fn arrived(&mut self, now: Duration) -> Option<Flight> {
        self.flights.first_entry().filter(|first| first.key().0 <= now).map(|first| first.remove())
    }
}
