use std::time::Duration;

use super::digest::RevisedEntry;
use super::message::{Heartbeat, MemberCard};
use super::options::MembershipOptions;
use super::peer_state::PeerState;
use crate::NodeInstance;

/// How long an instance that left is remembered, so that a late packet does not bring it back.
const LEFT_MEMORY: Duration = Duration::from_secs(60);
/// How long a node that was reported by another one, and was never heard, is remembered.
const UNHEARD_MEMORY: Duration = Duration::from_secs(60);
/// A new node is introduced to if it is not heard after this time. Until then the driver connects to it, and others report
/// this node to it; an introduction is a connection more.
const UNHEARD_GRACE: Duration = Duration::from_secs(5);
/// How long the endpoint of a node that is down is probed.
const DOWN_MEMORY: Duration = Duration::from_secs(3600);

/// What a node knows about another instance.
#[derive(Debug, Clone)]
pub(crate) struct Peer {
    pub(super) who: NodeInstance,
    pub(super) endpoint: Option<String>,
    pub(super) state: PeerState,
    /// When the state began.
    pub(super) since: Duration,
    pub(super) first_heard: Option<Duration>,
    /// The last sign of life.
    pub(super) heard: Option<Duration>,
    /// The number of the last heartbeat, and when it arrived.
    pub(super) beat: u64,
    pub(super) beat_at: Duration,
    /// It reported that it hears this node, and nothing since then speaks against it.
    pub(super) hears_me: bool,
    /// When it reported that it does not hear this node.
    pub(super) deaf_since: Option<Duration>,
    /// It has been up somewhere.
    pub(super) admitted: bool,
    /// The hash of its member list, and whether the last two heartbeats had the same.
    pub(super) members: u64,
    pub(super) are_members_stable: bool,
    /// The revision and hash of its entry according to its last heartbeat.
    pub(super) digest: (u64, u64),
    pub(super) entry: Option<RevisedEntry>,
    /// When its entry was last pulled from it.
    pub(super) entry_pulled: Option<Duration>,
    /// Unconfirmed probes, and when the next is due.
    pub(super) probes: u32,
    pub(super) next_probe: Duration,
    /// When the next message by its request channel is due, while it is not heard.
    pub(super) next_introduction: Duration,
    /// When it was last refused, or welcomed.
    pub(super) refused: Option<Duration>,
    pub(super) welcomed: Option<Duration>,
    /// It asked whether it is heard.
    pub(super) asks: bool,
    /// It introduced itself to this node, and the others do not know it yet.
    pub(super) is_to_announce: bool,
    /// It introduced itself to this node, and has not been greeted since.
    pub(super) is_newcomer: bool,
}

impl Peer {
    pub(super) fn new(now: Duration, who: NodeInstance, endpoint: Option<String>) -> Self {
        Self {
            who,
            endpoint,
            state: PeerState::Joining,
            since: now,
            first_heard: None,
            heard: None,
            beat: 0,
            beat_at: now,
            hears_me: false,
            deaf_since: None,
            admitted: false,
            members: 0,
            are_members_stable: false,
            digest: (0, 0),
            entry: None,
            entry_pulled: None,
            probes: 0,
            next_probe: now,
            next_introduction: now + UNHEARD_GRACE,
            refused: None,
            welcomed: None,
            asks: false,
            is_to_announce: false,
            is_newcomer: false,
        }
    }

    /// Returns whether it was heard within this time.
    pub(super) fn is_heard(&self, now: Duration, within: Duration) -> bool {
        self.heard.is_some_and(|heard| now < heard + within)
    }

    /// Returns the revision of its entry that is known; 0 for none.
    pub(super) fn revision(&self) -> u64 {
        self.entry.as_ref().map_or(0, |entry| entry.revision)
    }

    /// Returns whether its last heartbeat announced an entry that is not known.
    pub(super) fn has_unknown_entry(&self) -> bool {
        let (revision, hash) = self.digest;
        self.entry.as_ref().map_or(revision > 0, |known| {
            known.revision < revision || (known.revision == revision && known.hash != hash)
        })
    }

    /// Takes over a heartbeat, unless it is late or a duplicate: then returns false.
    pub(super) fn take_over(&mut self, now: Duration, heartbeat: &Heartbeat) -> bool {
        if heartbeat.beat <= self.beat {
            return false;
        }
        self.are_members_stable = self.beat > 0 && self.members == heartbeat.members;
        self.beat = heartbeat.beat;
        self.beat_at = now;
        self.admitted |= heartbeat.admitted;
        self.members = heartbeat.members;
        self.digest = (heartbeat.revision, heartbeat.hash);
        if heartbeat.endpoint.is_some() {
            self.endpoint.clone_from(&heartbeat.endpoint);
        }
        true
    }

    /// Returns what other nodes may learn about it.
    pub(super) fn card(&self) -> MemberCard {
        let entry = self.entry.as_ref().map(|known| known.entry.clone());
        MemberCard {
            who: self.who.clone(),
            endpoint: self.endpoint.clone(),
            revision: self.revision(),
            entry,
        }
    }

    /// Returns the card that has only its address.
    pub(super) fn card_without_entry(&self) -> MemberCard {
        MemberCard { who: self.who.clone(), endpoint: self.endpoint.clone(), revision: 0, entry: None }
    }

    /// Returns when its state must be looked at, if nothing arrives until then.
    pub(super) fn deadline(&self, options: &MembershipOptions) -> Duration {
        let heard = self.heard.unwrap_or(self.since);
        let introduction = self.endpoint.as_ref().map_or(Duration::MAX, |_| self.next_introduction);
        match self.state {
            PeerState::Up => heard + options.suspect_after,
            PeerState::Suspect => {
                let deaf = self.deaf_since.map(|since| since + options.down_after - options.suspect_after);
                (heard + options.down_after).min(deaf.unwrap_or(Duration::MAX))
            }
            PeerState::Joining if self.heard.is_some() => heard + options.down_after,
            PeerState::Joining | PeerState::Down => self.forgotten().min(introduction),
            PeerState::Left => self.forgotten(),
        }
    }

    /// Returns when it is forgotten, if its state stays.
    pub(super) fn forgotten(&self) -> Duration {
        match self.state {
            PeerState::Up | PeerState::Suspect => Duration::MAX,
            PeerState::Joining if self.heard.is_some() => Duration::MAX,
            PeerState::Joining => self.since + UNHEARD_MEMORY,
            PeerState::Down => self.since.max(self.heard.unwrap_or_default()) + DOWN_MEMORY,
            PeerState::Left => self.since + LEFT_MEMORY,
        }
    }
}
