//! What time does to connections: handshakes that take too long, peers that are silent.

use std::time::{Duration, Instant};

use super::ShardState;
use crate::protocol::{Command, Pulse};
use crate::publisher::pub_::fanout::close_reason::CloseReason;
use crate::publisher::pub_::fanout::connection::Phase;

/// The time for a handshake while the number of handshakes is at its bound. A subscriber on another continent needs it, and a
/// thousand peers that are slow on purpose block no other for a second
/// (docs/guarantees.md#f54, docs/guarantees.md#f40).
const CROWDED_PATIENCE: Duration = Duration::from_millis(250);

impl ShardState {
    /// Checks the deadlines and heartbeats of all connections.
    pub(in crate::publisher::pub_::fanout) fn look_at_the_clock(&mut self, now: Instant) {
        let (patience, too_slow) = if self.core.is_crowded() {
            // A handshake of CURVE is three times to the peer and back, one of NULL is one.
            let rounds = if self.core.agents.is_some() { 3 } else { 1 };
            (CROWDED_PATIENCE * rounds, "too_many_handshakes")
        } else {
            (self.core.settings.handshake_timeout, "handshake_timeout")
        };
        let (mut leaving, mut writable) = (Vec::new(), Vec::new());
        for (peer, connection) in &mut self.connections {
            let pulse = match &mut connection.phase {
                Phase::Handshake { since, .. } => {
                    if now.saturating_duration_since(*since) >= patience {
                        leaving.push((*peer, too_slow));
                    }
                    continue;
                }
                Phase::Subscriber { heartbeat, .. } | Phase::Requester { heartbeat, .. } => {
                    heartbeat.tick(now)
                }
            };
            match pulse {
                Pulse::Quiet if connection.probe() => writable.push(*peer),
                Pulse::Quiet => {}
                Pulse::Dead => leaving.push((*peer, "dead")),
                Pulse::Ping => {
                    Command::Ping { ttl: 0, context: b"" }.put(connection.outbox.bytes());
                    writable.push(*peer);
                }
            }
        }
        writable.into_iter().for_each(|peer| self.make_ready(peer));
        for (peer, cause) in leaving {
            self.close(peer, CloseReason::Refused(cause), now);
        }
    }
}
