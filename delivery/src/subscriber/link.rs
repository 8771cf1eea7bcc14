use std::collections::BTreeSet;

use pubsub_api::PublisherEpoch;

/// The publishers of one endpoint: one as a rule, several at a proxy.
#[derive(Debug, Default)]
pub(super) struct Link {
    /// The publishers that were followed here. Their events count as known until another publisher replaces them.
    pub(super) expected: BTreeSet<u64>,
    /// Publishers of which positions were forgotten while they were silent.
    pub(super) forgotten: BTreeSet<u64>,
    /// Whether the application wants this endpoint.
    pub(super) is_registered: bool,
    /// Whether a hello has arrived since the connection was made.
    pub(super) is_up: bool,
    /// Whether it was reported as stale, and not as live since.
    pub(super) is_stale: bool,
    heard: Vec<Heard>,
    /// The number of consecutive hellos of an epoch that a later one has replaced.
    revived: Option<(PublisherEpoch, u32)>,
}

/// A publisher that sends hello here.
#[derive(Debug)]
struct Heard {
    life: PublisherEpoch,
    /// The number of hellos of others since its own last one.
    missed: usize,
}

/// Hellos of another publisher on the same link, one each second, after which a publisher that sent none is silent. Counted and
/// not timed: if the application or the line is slow, all hellos are equally late.
const SILENT_AFTER: usize = 5;

/// Hellos of an epoch that seemed to be over, after which it counts as running: a proxy may still hold one or two.
const REVIVED_AFTER: u32 = 3;

/// The result of the first hello of an epoch on a link.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Introduction {
    /// The expected publishers that it replaces.
    pub(super) replaced: BTreeSet<u64>,
    /// Whether this epoch was heard here already, and its connection was made again.
    pub(super) is_again: bool,
}

impl Link {
    /// Handles the first hello of an epoch since the link is up. The epoch before of the same publisher is over.
    ///
    /// The first hello on a link identifies what it leads to: other expected publishers may follow if its sender is one of
    /// them, and are replaced if it is not.
    pub(super) fn introduce(&mut self, life: PublisherEpoch) -> Introduction {
        let is_expected = self.expected.contains(&life.publisher);
        let is_first = self.heard.is_empty();
        let replaced =
            if is_first && !is_expected { std::mem::take(&mut self.expected) } else { BTreeSet::new() };
        let is_again = self.hears(life);
        self.is_up = true;
        self.heard.retain(|heard| heard.life.publisher != life.publisher);
        self.heard_beside(life);
        Introduction { replaced, is_again }
    }

    /// An epoch is heard beside another one of the same publisher.
    pub(super) fn heard_beside(&mut self, life: PublisherEpoch) {
        self.revived = None;
        self.expected.insert(life.publisher);
        self.heard.push(Heard { life, missed: 0 });
    }

    /// The connection is gone; returns the epochs that were heard over it.
    pub(super) fn down(&mut self) -> Vec<PublisherEpoch> {
        self.is_up = false;
        self.revived = None;
        std::mem::take(&mut self.heard).into_iter().map(|heard| heard.life).collect()
    }

    /// Another hello of an epoch; returns the epochs that are silent.
    pub(super) fn hello(&mut self, life: PublisherEpoch) -> Vec<PublisherEpoch> {
        if !self.hears(life) {
            return Vec::new();
        }
        let others = self.heard.len().saturating_sub(1);
        for heard in &mut self.heard {
            heard.missed = if heard.life == life { 0 } else { heard.missed + 1 };
        }
        let is_silent = |heard: &Heard| heard.missed >= SILENT_AFTER * others;
        let silent = self.heard.iter().filter(|heard| heard.life != life && is_silent(heard));
        let silent: Vec<PublisherEpoch> = silent.map(|heard| heard.life).collect();
        self.heard.retain(|heard| !silent.contains(&heard.life));
        silent
    }

    /// A hello of an epoch that is not heard here any more; returns whether it runs beside the later one that replaced it.
    pub(super) fn is_revived(&mut self, life: PublisherEpoch) -> bool {
        let before = self.revived.filter(|(other, _)| *other == life).map_or(0, |(_, hellos)| hellos);
        self.revived = Some((life, before + 1));
        before + 1 >= REVIVED_AFTER
    }

    pub(super) fn hears(&self, life: PublisherEpoch) -> bool {
        self.heard.iter().any(|heard| heard.life == life)
    }

    pub(super) fn hears_publisher(&self, publisher: u64) -> bool {
        self.heard.iter().any(|heard| heard.life.publisher == publisher)
    }

    /// The epochs that send hello here.
    pub(super) fn lives(&self) -> impl Iterator<Item = PublisherEpoch> {
        self.heard.iter().map(|heard| heard.life)
    }
}
