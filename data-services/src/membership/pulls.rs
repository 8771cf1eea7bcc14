use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use super::announcements::GATHER;
use super::effect::send_to;
use super::message::{MemberCard, Pull, RegistryPage};
use super::peer::Peer;
use super::{Membership, MembershipEffect, MembershipMessage, PeerState};
use crate::Instance;

/// The first pull waits for a time between these, so that it goes to a random one of several nodes if many start together, and
/// not to the seed, which has announced them by then.
const FIRST_PULL_AFTER: Duration = GATHER;
const FIRST_PULL_WITHIN: Duration = Duration::from_millis(300);
/// A pull whose pages have not all arrived after this time is repeated at another node.
const PULL_TIMEOUT: Duration = Duration::from_secs(1);
/// Entries are pulled from their owners at the latest after this time since the start.
const BULK_PATIENCE: Duration = Duration::from_secs(3);
/// A page is complete when its entries have this many bytes; an entry has at most twice as many.
const PAGE_BYTES: usize = 128 * 1024;
/// What a card has besides its entry, at most, in bytes.
const CARD_BYTES: usize = 500;
/// The maximum number of pages of one reply; the digests bring the rest.
const MAX_PAGES: usize = 32;
/// The number of member lists that are remembered as known.
const KNOWN_LISTS: usize = 64;

/// The pulls of this node from others: one at a time.
#[derive(Debug, Default)]
pub(super) struct Pulls {
    number: u64,
    due: Option<Duration>,
    /// The node to pull from; any that is up if none.
    from: Option<Instance>,
    pending: Option<Pending>,
    /// The registry of another node was pulled once.
    has_pulled: bool,
    /// The hashes of the member lists that were pulled: they have nothing new.
    known_lists: VecDeque<u64>,
}

#[derive(Debug)]
struct Pending {
    from: Instance,
    until: Duration,
    pages: BTreeSet<u32>,
}

impl Pulls {
    pub(super) fn deadline(&self) -> Duration {
        let next = self.pending.as_ref().map_or(self.due, |pending| Some(pending.until));
        next.unwrap_or(Duration::MAX)
    }

    /// Returns whether a registry was pulled, or it is late enough without one.
    pub(super) fn is_first_over(&self, now: Duration, started: Duration) -> bool {
        self.has_pulled || now >= started + BULK_PATIENCE
    }

    /// A node is forgotten: a known list may have news again.
    pub(super) fn forget_lists(&mut self) {
        self.known_lists.clear();
    }

    fn know_list(&mut self, hash: u64) {
        if self.known_lists.len() == KNOWN_LISTS {
            self.known_lists.pop_front();
        }
        self.known_lists.push_back(hash);
    }
}

impl Membership {
    /// Returns whether the registry of another node was received, or is late.
    pub(crate) fn is_registry_complete(&self, now: Duration) -> bool {
        self.pulls.is_first_over(now, self.started)
    }

    /// Plans the first pull, when a node is up.
    pub(super) fn plan_first_pull(&mut self, now: Duration) {
        if !self.pulls.has_pulled && self.pulls.due.is_none() && self.pulls.pending.is_none() {
            self.pulls.due =
                Some(now + FIRST_PULL_AFTER + (FIRST_PULL_WITHIN - FIRST_PULL_AFTER).mul_f64(self.rng.f64()));
        }
    }

    /// Plans a pull from a member whose list of members differs from that of this node, once both lists have settled.
    pub(super) fn compare_members(&mut self, now: Duration, instance: Instance) {
        let Some(peer) = self.registry.peers.get(&instance) else { return };
        let differs = peer.members != self.members && !self.pulls.known_lists.contains(&peer.members);
        let is_settled = peer.are_members_stable && now >= self.members_since + self.options.heartbeat * 2;
        if peer.state == PeerState::Up && differs && is_settled && self.pulls.due.is_none() {
            self.pulls.due = Some(now);
            self.pulls.from = Some(instance);
        }
    }

    /// Sends the pull that is due, and repeats one without a complete reply.
    pub(super) fn pull(&mut self, now: Duration, effects: &mut Vec<MembershipEffect>) {
        if self.pulls.pending.as_ref().is_some_and(|pending| now >= pending.until) {
            self.pulls.pending = None;
            self.pulls.due = (!self.pulls.has_pulled).then_some(now);
        }
        if self.pulls.pending.is_some() || self.pulls.due.is_none_or(|due| now < due) {
            return;
        }
        self.pulls.due = None;
        let Some(from) = self.pulled_node() else { return };
        self.pulls.number += 1;
        let until = now + PULL_TIMEOUT;
        self.pulls.pending = Some(Pending { from, until, pages: BTreeSet::new() });
        let is_there = |peer: &&Peer| peer.state.is_member() || peer.state == PeerState::Joining;
        let peers = self.registry.peers.values().filter(is_there);
        let known = peers.map(|peer| (peer.who.instance, peer.revision())).collect();
        send_to(effects, from, MembershipMessage::Pull(Pull { number: self.pulls.number, known }));
    }

    fn pulled_node(&mut self) -> Option<Instance> {
        let is_up = |instance: &Instance| self.registry.state_of(*instance) == Some(PeerState::Up);
        if let Some(from) = self.pulls.from.take().filter(is_up) {
            return Some(from);
        }
        let up = self.registry.members().filter(|peer| peer.state == PeerState::Up);
        let up: Vec<Instance> = up.map(|peer| peer.who.instance).collect();
        self.rng.choice(up)
    }

    /// Replies to a pull with what the other node does not know.
    pub(super) fn on_pull(&self, from: Instance, pull: Pull, effects: &mut Vec<MembershipEffect>) {
        let known: BTreeMap<Instance, u64> = pull.known.into_iter().collect();
        let is_news = |instance: &Instance, revision| {
            *instance != from && known.get(instance).is_none_or(|known| *known < revision)
        };
        let mut pages = vec![Vec::new()];
        let mut bytes = 0;
        let own = &self.registry.own;
        let me = &self.registry.me;
        if is_news(&me.instance, own.revision) {
            bytes += own.bytes + CARD_BYTES;
            pages = vec![vec![self.own_card()]];
        }
        for peer in self.registry.members().filter(|peer| is_news(&peer.who.instance, peer.revision())) {
            if bytes >= PAGE_BYTES {
                bytes = 0;
                pages.push(Vec::new());
            }
            bytes += peer.entry.as_ref().map_or(0, |entry| entry.bytes) + CARD_BYTES;
            if let Some(page) = pages.last_mut() {
                page.push(peer.card());
            }
        }
        pages.truncate(MAX_PAGES);
        self.send_pages(from, pull.number, pages, effects);
    }

    fn send_pages(
        &self,
        to: Instance,
        number: u64,
        pages: Vec<Vec<MemberCard>>,
        effects: &mut Vec<MembershipEffect>,
    ) {
        // At most `MAX_PAGES`.
        let count = u32::try_from(pages.len()).unwrap_or(u32::MAX);
        for (page, cards) in (0..).zip(pages) {
            let page = RegistryPage { number, page, pages: count, members: self.members, cards };
            send_to(effects, to, MembershipMessage::Page(page));
        }
    }

    fn own_card(&self) -> MemberCard {
        MemberCard {
            who: self.registry.me.clone(),
            endpoint: self.endpoint.clone(),
            revision: self.registry.own.revision,
            entry: Some(self.registry.own.entry.clone()),
        }
    }

    /// Takes over a part of a registry.
    pub(super) fn on_page(
        &mut self,
        now: Duration,
        from: Instance,
        page: RegistryPage,
        effects: &mut Vec<MembershipEffect>,
    ) {
        for card in page.cards {
            self.learn(now, card, effects);
        }
        let Some(pending) = self.pulls.pending.as_mut().filter(|pending| pending.from == from) else {
            return;
        };
        if page.number != self.pulls.number {
            return;
        }
        pending.pages.insert(page.page);
        if pending.pages.len() >= usize::try_from(page.pages).unwrap_or(usize::MAX) {
            self.pulls.pending = None;
            self.pulls.has_pulled = true;
            self.pulls.know_list(page.members);
            self.pull_missing_entries(now, effects);
        }
    }

    /// Pulls what the other node did not have.
    fn pull_missing_entries(&mut self, now: Duration, effects: &mut Vec<MembershipEffect>) {
        let missing = self.registry.members().filter(|peer| peer.has_unknown_entry());
        let missing: Vec<Instance> = missing.map(|peer| peer.who.instance).collect();
        for instance in missing {
            self.pull_entry(now, instance, effects);
        }
    }
}
