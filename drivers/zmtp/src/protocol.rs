//! ZMTP 3.1 without I/O: bytes in, items and bytes out. No clock, no socket, no task.
//!
//! Sources: RFC 37 (ZMTP 3.1), RFC 23 (3.0), RFC 29 (publish-subscribe), RFC 30 (pipeline), RFC 25
//! and 26 (CURVE). Whatever a peer announces is checked against a bound before a byte is set aside for it, and every refusal
//! has a [cause](ProtocolError::cause).
//!
//! Read in this order: [`ProtocolError`] and [`Mechanism`]; [`FrameHead`] and [`Command`], the two things on the wire;
//! [`Greeting`], `ready` and [`Handshake`], which opens a connection; [`EventDecoder`] for events and [`PeerDecoder`] for
//! subscriptions; [`curve`], which encrypts either; [`Heartbeat`], which decides when to ping and when a peer is dead.

mod error;
mod mechanism;

mod command;
mod frame;

mod greeting;
mod handshake;
mod ready;
mod socket_type;

pub mod curve;

mod event_decoder;
mod peer_decoder;

mod heartbeat;

pub use command::{Command, MAX_PING_CONTEXT_BYTES};
pub use error::ProtocolError;
pub use event_decoder::{Decoded, EventDecoder};
pub use frame::{FrameHead, put_event, put_event_head};
pub use greeting::{GREETING_BYTES, Greeting};
pub use handshake::{CurveStage, Handshake, MAX_HANDSHAKE_BYTES, Peer};
pub use heartbeat::{Heartbeat, Pulse};
pub use mechanism::{Mechanism, MechanismName};
pub use peer_decoder::{MAX_PREFIX_BYTES, PeerDecoder, PeerMessage};
pub use socket_type::SocketType;
