use std::time::Duration;

use super::effect::send_to;
use super::{Membership, MembershipEffect, MembershipMessage, Stage};
use crate::Instance;

impl Membership {
    /// Handles that an instance receives from now on what this node sends: it is sent a heartbeat at once, as a probe, and
    /// that it is heard, if it is.
    ///
    /// Of two nodes that connect to each other, the one that is connected last so has its proof with this message, and the
    /// other one with the reply. Neither waits for a heartbeat. If the greeting is lost, heartbeats and probes do the same.
    pub(crate) fn greet(&mut self, now: Duration, instance: Instance, effects: &mut Vec<MembershipEffect>) {
        if self.stage != Stage::Running || instance == self.registry.me.instance {
            return;
        }
        let peer = self.registry.peers.get(&instance);
        let is_heard = peer.is_some_and(|peer| peer.is_heard(now, self.options.suspect_after));
        // A node whose id is disputed is not confirmed.
        let is_confirmed = is_heard && self.settle_clash(now, instance, effects);
        if self.stage != Stage::Running {
            return;
        }
        let heartbeat = Box::new(self.digests(now));
        let next_probe = now + self.options.probe_pause(0);
        let (mut beat, mut is_newcomer) = (0, false);
        if let Some(peer) = self.registry.peers.get_mut(&instance) {
            peer.next_probe = next_probe;
            is_newcomer = std::mem::take(&mut peer.is_newcomer);
            if is_confirmed {
                beat = peer.beat;
            }
        }
        send_to(effects, instance, MembershipMessage::Probe { beat, heartbeat });
        if is_newcomer {
            self.send_announced(instance, effects);
        }
    }
}
