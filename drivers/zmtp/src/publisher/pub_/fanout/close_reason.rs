use std::io;
use std::time::Instant;

use super::connection::{Connection, Phase};
use super::core::Core;
use crate::protocol::ProtocolError;

/// Why a connection is closed.
#[derive(Debug)]
pub(super) enum Leaving {
    /// The peer closed it, or the network did.
    Gone(io::Error),
    /// The peer broke the protocol.
    Broke(ProtocolError),
    /// A bound of ours, by its name in the counters.
    Refused(&'static str),
}

impl Leaving {
    /// Counts why, and tells it at a limited rate.
    pub(super) fn tell(&self, core: &Core, connection: &Connection, now: Instant) {
        let address = connection.address;
        let in_handshake = matches!(connection.phase, Phase::Handshake { .. });
        let (cause, reason) = match self {
            // Someone who only looked whether we listen, or a peer that left: no cause for alarm.
            Self::Gone(error) => {
                if in_handshake {
                    core.readings.refused.count("left_in_handshake", now);
                }
                return tracing::debug!("{address} is gone: {error}");
            }
            Self::Broke(error) => (error.cause(), error.to_string()),
            Self::Refused(cause) => (*cause, cause.replace('_', " ")),
        };
        if let Some(times) = core.readings.refused.count(cause, now) {
            tracing::warn!(cause, times, "closed the connection of {address}: {reason}");
        }
    }
}
