use std::io;
use std::time::Instant;

use super::connection::{Connection, Phase};
use super::core::Core;
use crate::protocol::ProtocolError;

/// Why a connection is closed.
#[derive(Debug)]
pub(super) enum CloseReason {
    /// The peer closed it, or the network did.
    Gone(io::Error),
    /// The peer broke the protocol.
    Broke(ProtocolError),
    /// A bound of ours, by its name in the counters.
    Refused(&'static str),
}

impl CloseReason {
    /// Counts the reason, and logs it at a limited rate.
    pub(super) fn report(&self, core: &Core, connection: &Connection, now: Instant) {
        let in_handshake = matches!(connection.phase, Phase::Handshake { .. });
        let (cause, reason) = match self {
            // A port check, or a peer that left: no cause for alarm.
            Self::Gone(error) => {
                if in_handshake {
                    core.counters.refused.count("left_in_handshake", now);
                }
                return tracing::debug!("{} disconnected: {error}", connection.name());
            }
            Self::Broke(error) => (error.cause(), error.to_string()),
            Self::Refused(cause) => (*cause, cause.replace('_', " ")),
        };
        if let Some(times) = core.counters.refused.refuse(cause, &connection.host_name(), &reason, now) {
            tracing::warn!(
                id = "SK0403",
                cause,
                times,
                "closed the connection of {}: {reason}",
                connection.name()
            );
        }
    }
}
