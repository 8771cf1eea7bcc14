use std::fmt;

use super::curve::{NoRandomness, PublicKey};
use super::mechanism::MechanismName;

/// Why a connection is refused or ended. The [cause](ProtocolError::cause) is the name that the counters use.
///
/// It is about the peer: the connection is closed and counted, and every other connection continues.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ProtocolError {
    /// The first bytes are not ZMTP's: another protocol, or noise.
    BadSignature,
    /// The peer speaks ZMTP 1 or 2.
    OldVersion {
        /// Its revision: 0 for ZMTP 1.0, 1 for 2.0 (RFC 15).
        revision: u8,
    },
    /// The peer wants another security mechanism than this end.
    WrongMechanism {
        /// Which one.
        wanted: MechanismName,
    },
    /// A bit of the flags that RFC 37 reserves is set, or MORE on a command.
    BadFlags,
    /// A frame announces more bytes than any of its kind has.
    FrameTooLong,
    /// Something other than READY where READY is due.
    NotReady,
    /// READY's list of properties does not read as one.
    BadReady,
    /// The peer's socket type is not served here, or is unknown.
    WrongSocketType,
    /// The peer answered the handshake with ERROR.
    RefusedByPeer,
    /// A command whose body does not read as RFC 37 has it.
    BadCommand,
    /// A message with too many frames.
    TooManyFrames,
    /// A command between the frames of one message.
    CommandInMessage,
    /// A subscription longer than [`MAX_PREFIX_BYTES`](super::MAX_PREFIX_BYTES).
    SubscriptionTooLong,
    /// CURVE: a command other than the one that is due.
    CurveUnexpectedCommand,
    /// CURVE: a HELLO that this server's key does not open: the client expects another server.
    CurveBadHello,
    /// CURVE: a WELCOME that does not open: whoever sent it has not the key that the client expects.
    CurveBadWelcome,
    /// CURVE: an INITIATE whose cookie, box or vouch is not valid.
    CurveBadInitiate,
    /// CURVE: the client has proved its key, but may not connect.
    CurveUnknownKey {
        /// Its public key.
        key: PublicKey,
    },
    /// CURVE: the client has proved its key, which has expired.
    CurveKeyExpired {
        /// Its public key.
        key: PublicKey,
    },
    /// CURVE: a READY that does not open.
    CurveBadReady,
    /// CURVE: the server answered our INITIATE with ERROR.
    CurveKeyRefused,
    /// CURVE: a message that does not open, or is none.
    CurveBadMessage,
    /// CURVE: a message that was seen, or that comes after a later one.
    CurveBadNonce,
    /// CURVE: a public key with which every secret key has the same secret in common.
    CurveBadKey,
    /// The kernel has no random bytes.
    NoRandomness,
}

impl ProtocolError {
    /// The name of the cause in counters.
    #[must_use]
    pub fn cause(self) -> &'static str {
        match self {
            Self::BadSignature => "bad_signature",
            Self::OldVersion { .. } => "old_version",
            Self::WrongMechanism { .. } => "wrong_mechanism",
            Self::BadFlags => "bad_flags",
            Self::FrameTooLong => "frame_too_long",
            Self::NotReady => "not_ready",
            Self::BadReady => "bad_ready",
            Self::WrongSocketType => "wrong_socket_type",
            Self::RefusedByPeer => "refused_by_peer",
            Self::BadCommand => "bad_command",
            Self::TooManyFrames => "too_many_frames",
            Self::CommandInMessage => "command_in_message",
            Self::SubscriptionTooLong => "subscription_too_long",
            Self::CurveUnexpectedCommand => "curve_unexpected_command",
            Self::CurveBadHello => "curve_bad_hello",
            Self::CurveBadWelcome => "curve_bad_welcome",
            Self::CurveBadInitiate => "curve_bad_initiate",
            Self::CurveUnknownKey { .. } => "curve_unknown_key",
            Self::CurveKeyExpired { .. } => "curve_key_expired",
            Self::CurveBadReady => "curve_bad_ready",
            Self::CurveKeyRefused => "curve_key_refused",
            Self::CurveBadMessage => "curve_bad_message",
            Self::CurveBadNonce => "curve_bad_nonce",
            Self::CurveBadKey => "curve_bad_key",
            Self::NoRandomness => "no_randomness",
        }
    }
}

impl fmt::Display for ProtocolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OldVersion { revision } => {
                let version = match revision {
                    0 => "1.0",
                    1 => "2.0",
                    _ => "2",
                };
                return write!(f, "the peer speaks ZMTP {version}, and this side ZMTP 3.0 and 3.1");
            }
            Self::WrongMechanism { wanted } => {
                return write!(
                    f,
                    "the peer wants the security mechanism {wanted}, which is not the one that is set here (drivers.zmtp.mechanism)"
                );
            }
            Self::CurveUnknownKey { key } => {
                return write!(f, "the public key {key} is not in authorized_agents_file");
            }
            Self::CurveKeyExpired { key } => {
                return write!(f, "the public key {key} has expired (expires= in authorized_agents_file)");
            }
            Self::BadSignature => "the peer does not speak ZMTP",
            Self::BadFlags => "a frame has flags that ZMTP reserves",
            Self::FrameTooLong => "a frame announces more bytes than are accepted",
            Self::NotReady => "the peer sent something else where its READY was due",
            Self::BadReady => "the properties of the peer's READY cannot be read",
            Self::WrongSocketType => "the peer's socket type is not served here",
            Self::RefusedByPeer => "the peer answered the handshake with ERROR",
            Self::BadCommand => "a command of the peer cannot be read",
            Self::TooManyFrames => "a message has more frames than are accepted",
            Self::CommandInMessage => "a command was sent between the frames of a message",
            Self::SubscriptionTooLong => "a subscription is longer than any topic",
            Self::CurveUnexpectedCommand => "the peer sent another command than the one of CURVE that was due",
            Self::CurveBadHello => {
                "the peer expects a publisher with another key (publisher_keys of the agent), or sent no valid HELLO"
            }
            Self::CurveBadWelcome => "the peer does not have the key that publisher_keys names for it",
            Self::CurveBadInitiate => "the peer did not prove the key that it claims",
            Self::CurveBadReady => "the READY of the peer was changed on its way",
            Self::CurveKeyRefused => {
                "the publisher refuses the key of this agent: it is not in its authorized_agents_file, or has expired"
            }
            Self::CurveBadMessage => "a message of the peer was changed on its way, or is not encrypted",
            Self::CurveBadNonce => "a message of the peer was replayed, or came after a later one",
            Self::CurveBadKey => "the public key cannot be used",
            Self::NoRandomness => "the kernel returns no random bytes",
        })
    }
}

impl std::error::Error for ProtocolError {}

impl From<NoRandomness> for ProtocolError {
    fn from(_: NoRandomness) -> Self {
        Self::NoRandomness
    }
}
