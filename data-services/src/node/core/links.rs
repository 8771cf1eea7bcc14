use std::time::Duration;

use super::NodeCore;
use crate::Instance;

/// What the driver reports about the connections to peers.
impl NodeCore {
    /// The driver has lost packets, or the link to an endpoint or to all: what is followed there may have missed something.
    pub(crate) fn links_reset(&mut self, now: Duration, endpoint: Option<&str>) {
        self.now = now;
        match endpoint {
            Some(endpoint) => {
                for instance in self.membership.link_reset(now, endpoint) {
                    self.followed.link_reset(now, instance, &mut self.effects.followed);
                }
            }
            None => {
                self.membership.links_reset(now);
                self.followed.links_reset(now, &mut self.effects.followed);
            }
        }
        self.settle();
    }

    /// An instance receives from now on what this node sends.
    pub(crate) fn greet(&mut self, now: Duration, instance: Instance) {
        self.now = now;
        self.membership.greet(now, instance, &mut self.effects.membership);
        self.settle();
    }
}
