use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::membership::MembershipMessage;

/// A node of the simulation: its place in the list of nodes.
pub(crate) type Place = usize;

/// What the network does to packets.
#[derive(Debug, Clone)]
pub(crate) struct Network {
    pub(crate) rng: fastrand::Rng,
    /// The probability that a packet is lost, and that it arrives twice.
    pub(crate) loss: f64,
    pub(crate) duplication: f64,
    /// The shortest and the longest delay: each packet has its own, so packets overtake each other.
    pub(crate) delay: (Duration, Duration),
    /// The same for a connection, until it carries packets.
    pub(crate) link_delay: (Duration, Duration),
    /// Links that carry nothing, from one node to another.
    cut: BTreeSet<(Place, Place)>,
    /// Packets that were sent, per sender and kind, and the bytes per sender; a copy for each receiver counts.
    pub(crate) sent: BTreeMap<Place, BTreeMap<&'static str, u64>>,
    pub(crate) bytes: BTreeMap<Place, u64>,
}

impl Network {
    /// A network that delivers everything once, after 1 to 5 ms.
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            rng: fastrand::Rng::with_seed(seed),
            loss: 0.0,
            duplication: 0.0,
            delay: (Duration::from_millis(1), Duration::from_millis(5)),
            link_delay: (Duration::from_millis(4), Duration::from_millis(20)),
            cut: BTreeSet::new(),
            sent: BTreeMap::new(),
            bytes: BTreeMap::new(),
        }
    }

    /// Cuts the link from one node to another; the way back stays.
    pub(crate) fn cut_one_way(&mut self, from: Place, to: Place) {
        self.cut.insert((from, to));
    }

    /// Cuts all links between two groups.
    pub(crate) fn partition(&mut self, one: &[Place], other: &[Place]) {
        for a in one {
            for b in other {
                self.cut_one_way(*a, *b);
                self.cut_one_way(*b, *a);
            }
        }
    }

    /// Repairs all links.
    pub(crate) fn heal(&mut self) {
        self.cut.clear();
    }

    pub(crate) fn is_cut(&self, from: Place, to: Place) -> bool {
        self.cut.contains(&(from, to))
    }

    /// Counts a packet, and returns the delays after which it arrives: none if it is lost, two if it is duplicated.
    pub(crate) fn carry(
        &mut self,
        from: Place,
        to: Place,
        kind: &'static str,
        bytes: usize,
    ) -> Vec<Duration> {
        *self.sent.entry(from).or_default().entry(kind).or_default() += 1;
        *self.bytes.entry(from).or_default() += bytes as u64;
        if self.is_cut(from, to) || self.rng.f64() < self.loss {
            return Vec::new();
        }
        let copies = if self.rng.f64() < self.duplication { 2 } else { 1 };
        (0..copies).map(|_| self.delay()).collect()
    }

    /// Draws the delay of a packet.
    pub(crate) fn delay(&mut self) -> Duration {
        let (shortest, longest) = self.delay;
        shortest + (longest - shortest).mul_f64(self.rng.f64())
    }

    /// Draws the delay of a connection.
    pub(crate) fn link_delay(&mut self) -> Duration {
        let (shortest, longest) = self.link_delay;
        shortest + (longest - shortest).mul_f64(self.rng.f64())
    }

    /// Starts to count from zero.
    pub(crate) fn forget_counts(&mut self) {
        self.sent.clear();
        self.bytes.clear();
    }

    /// Returns the number of packets that a node sent.
    pub(crate) fn packets_of(&self, place: Place) -> u64 {
        self.sent.get(&place).map_or(0, |kinds| kinds.values().sum())
    }

    /// Returns the number of packets of each kind, of all nodes.
    pub(crate) fn kinds(&self) -> BTreeMap<&'static str, u64> {
        let mut all = BTreeMap::new();
        for (kind, count) in self.sent.values().flatten() {
            *all.entry(*kind).or_default() += count;
        }
        all
    }
}

/// Returns the kind of a message, for counts.
pub(crate) fn kind_of(message: &MembershipMessage) -> &'static str {
    match message {
        MembershipMessage::Heartbeat(_) => "heartbeat",
        MembershipMessage::Introduction { .. } => "introduction",
        MembershipMessage::Welcome { .. } => "welcome",
        MembershipMessage::Probe { .. } => "probe",
        MembershipMessage::Confirm { .. } => "confirm",
        MembershipMessage::Entry { .. } => "entry",
        MembershipMessage::PullEntry => "pull entry",
        MembershipMessage::Newcomers(_) => "newcomers",
        MembershipMessage::Pull(_) => "pull",
        MembershipMessage::Page(_) => "page",
        MembershipMessage::Refuse { .. } => "refuse",
        MembershipMessage::Goodbye => "goodbye",
    }
}
