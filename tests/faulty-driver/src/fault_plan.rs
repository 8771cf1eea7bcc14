use std::collections::{BTreeMap, BTreeSet};

use fastrand::Rng;

use crate::Faults;
use crate::faults::Fate;

/// One direction between two nodes, by their names: from a publisher to a subscriber.
type Direction = (String, String);

/// The faults of a network: of all directions, and of some.
#[derive(Debug)]
pub(crate) struct FaultPlan {
    rng: Rng,
    of_all: Faults,
    of_some: BTreeMap<Direction, Faults>,
    cut: BTreeSet<Direction>,
    broken: BTreeSet<Direction>,
    counts: BTreeMap<&'static str, u64>,
}

impl FaultPlan {
    /// No faults yet.
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            rng: Rng::with_seed(seed),
            of_all: Faults::NONE,
            of_some: BTreeMap::new(),
            cut: BTreeSet::new(),
            broken: BTreeSet::new(),
            counts: BTreeMap::new(),
        }
    }

    pub(crate) fn set_all(&mut self, faults: Faults) {
        self.of_all = faults;
        self.of_some.clear();
    }

    pub(crate) fn set(&mut self, from: &str, to: &str, faults: Faults) {
        self.of_some.insert(direction(from, to), faults);
    }

    pub(crate) fn cut(&mut self, from: &str, to: &str) {
        self.cut.insert(direction(from, to));
    }

    pub(crate) fn mend(&mut self, from: &str, to: &str) {
        self.cut.remove(&direction(from, to));
    }

    pub(crate) fn heal(&mut self) {
        self.cut.clear();
    }

    /// Marks a link as broken or whole; `true` if that is a change.
    pub(crate) fn set_broken(&mut self, from: &str, to: &str, is_broken: bool) -> bool {
        let link = direction(from, to);
        if is_broken { self.broken.insert(link) } else { self.broken.remove(&link) }
    }

    pub(crate) fn is_broken(&self, from: &str, to: &str) -> bool {
        !self.broken.is_empty() && self.broken.contains(&direction(from, to))
    }

    /// Draws and counts the fates of one event.
    pub(crate) fn draw(&mut self, from: &str, to: &str) -> Vec<Fate> {
        let direction = direction(from, to);
        if self.cut.contains(&direction) {
            self.count("cut");
            return Vec::new();
        }
        let fates = self.of_some.get(&direction).unwrap_or(&self.of_all).draw(&mut self.rng);
        match fates.len() {
            0 => self.count("lost"),
            1 => {}
            _ => self.count("duplicated"),
        }
        for _ in fates.iter().filter(|fate| fate.is_late) {
            self.count("late");
        }
        fates
    }

    /// Returns how often a fault occurred.
    pub(crate) fn counted(&self, cause: &str) -> u64 {
        self.counts.get(cause).copied().unwrap_or_default()
    }

    fn count(&mut self, cause: &'static str) {
        *self.counts.entry(cause).or_default() += 1;
    }
}

fn direction(from: &str, to: &str) -> Direction {
    (from.to_owned(), to.to_owned())
}
