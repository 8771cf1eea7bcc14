use std::collections::BTreeSet;

use pubsub_api::Incarnation;

/// What one endpoint leads to: one publisher as a rule, several where a proxy stands in front of them.
#[derive(Debug, Default)]
pub(super) struct Link {
    /// Who was followed here. What they published counts as known until another publisher stands in their place.
    pub(super) expected: BTreeSet<u64>,
    /// Publishers of which positions were forgotten while they were silent.
    pub(super) forgotten: BTreeSet<u64>,
    /// Whether the application wants this endpoint.
    pub(super) is_registered: bool,
    /// Whether a hello came since the connection stands.
    pub(super) is_up: bool,
    /// Whether it was reported as stale, and not as live since.
    pub(super) is_stale: bool,
    heard: Vec<Heard>,
    /// Hellos of a life that a later one has replaced, in a row.
    revived: Option<(Incarnation, u32)>,
}

/// Who says hello here.
#[derive(Debug)]
struct Heard {
    life: Incarnation,
    /// Hellos of others since its own last one.
    missed: usize,
}

/// Hellos of another publisher on the same link, one each second, after which one that said none is silent. Counted and not
/// timed: where the application or the line is slow, all hellos are late alike.
const SILENT_AFTER: usize = 5;

/// Hellos of a life that seemed to be over, after which it lives: a proxy may still hold one or two.
const REVIVED_AFTER: u32 = 3;

/// What a hello on a link tells of it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Introduction {
    /// Who was expected here, and not the one that says hello.
    pub(super) replaced: BTreeSet<u64>,
    /// Whether this very life was heard here already, and its connection began anew.
    pub(super) is_again: bool,
}

impl Link {
    /// The first hello of a life since the link stands. The life before of the same publisher is over.
    ///
    /// The first hello on a link says where that leads: others that are expected may follow if the one that says it is one of
    /// them, and are replaced if it is not.
    pub(super) fn introduce(&mut self, life: Incarnation) -> Introduction {
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

    /// A life is heard beside another one of the same publisher.
    pub(super) fn heard_beside(&mut self, life: Incarnation) {
        self.revived = None;
        self.expected.insert(life.publisher);
        self.heard.push(Heard { life, missed: 0 });
    }

    /// The connection is gone: who was heard over it.
    pub(super) fn down(&mut self) -> Vec<Incarnation> {
        self.is_up = false;
        self.revived = None;
        std::mem::take(&mut self.heard).into_iter().map(|heard| heard.life).collect()
    }

    /// Another hello of a life; who is silent, then.
    pub(super) fn hello(&mut self, life: Incarnation) -> Vec<Incarnation> {
        if !self.hears(life) {
            return Vec::new();
        }
        let others = self.heard.len().saturating_sub(1);
        for heard in &mut self.heard {
            heard.missed = if heard.life == life { 0 } else { heard.missed + 1 };
        }
        let is_silent = |heard: &Heard| heard.missed >= SILENT_AFTER * others;
        let silent = self.heard.iter().filter(|heard| heard.life != life && is_silent(heard));
        let silent: Vec<Incarnation> = silent.map(|heard| heard.life).collect();
        self.heard.retain(|heard| !silent.contains(&heard.life));
        silent
    }

    /// A hello of a life that is not heard here any more; whether it lives beside the later one that has replaced it.
    pub(super) fn is_revived(&mut self, life: Incarnation) -> bool {
        let before = self.revived.filter(|(other, _)| *other == life).map_or(0, |(_, hellos)| hellos);
        self.revived = Some((life, before + 1));
        before + 1 >= REVIVED_AFTER
    }

    pub(super) fn hears(&self, life: Incarnation) -> bool {
        self.heard.iter().any(|heard| heard.life == life)
    }

    pub(super) fn hears_publisher(&self, publisher: u64) -> bool {
        self.heard.iter().any(|heard| heard.life.publisher == publisher)
    }

    /// The lives that say hello here.
    pub(super) fn lives(&self) -> impl Iterator<Item = Incarnation> {
        self.heard.iter().map(|heard| heard.life)
    }
}
