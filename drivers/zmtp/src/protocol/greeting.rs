use super::ProtocolError;

/// The fixed length of a greeting (RFC 37, "Formal Grammar").
pub const GREETING_BYTES: usize = 64;

const SIGNATURE_START: u8 = 0xff;
const SIGNATURE_END: u8 = 0x7f;
const MAJOR: u8 = 3;
const MINOR: u8 = 1;

/// The security mechanisms of ZMTP; only NULL is spoken as yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mechanism {
    /// No authentication, no encryption (RFC 37).
    Null,
    /// User name and password in the clear (RFC 24).
    Plain,
    /// Authentication and encryption (RFC 25).
    Curve,
}

impl Mechanism {
    /// Padded with zeros, as it stands in the greeting.
    const fn padded(self) -> [u8; 20] {
        match self {
            Self::Null => *b"NULL\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
            Self::Plain => *b"PLAIN\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
            Self::Curve => *b"CURVE\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
        }
    }
}

/// The first 64 bytes of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Greeting {
    /// The peer's minor version under 3; a higher major version counts as 1, since it must talk to us as 3.1.
    pub minor: u8,
}

impl Greeting {
    /// Ours: 3.1, not as server.
    #[must_use]
    pub fn encode(mechanism: Mechanism) -> [u8; GREETING_BYTES] {
        let mut bytes = [0; GREETING_BYTES];
        let (head, rest) = bytes.split_at_mut(12);
        head.copy_from_slice(&[SIGNATURE_START, 0, 0, 0, 0, 0, 0, 0, 0, SIGNATURE_END, MAJOR, MINOR]);
        let (name, _) = rest.split_at_mut(20);
        name.copy_from_slice(&mechanism.padded());
        bytes
    }

    /// Reads what has arrived of a greeting; `None` as long as nothing is wrong and something is missing.
    ///
    /// Wrong bytes are refused when they arrive, not when the greeting is complete. The padding has no meaning and is not
    /// looked at; nor is `as-server`, which NULL leaves without one.
    ///
    /// # Errors
    /// [`ProtocolError::BadSignature`], [`ProtocolError::OldVersion`], [`ProtocolError::WrongMechanism`].
    pub fn read(arrived: &[u8], mechanism: Mechanism) -> Result<Option<Self>, ProtocolError> {
        let is = |at: usize, wanted: u8| arrived.get(at).is_none_or(|byte| *byte == wanted);
        if !is(0, SIGNATURE_START) || !is(9, SIGNATURE_END) {
            return Err(ProtocolError::BadSignature);
        }
        let major = arrived.get(10).copied().unwrap_or(MAJOR);
        if major < MAJOR {
            return Err(ProtocolError::OldVersion);
        }
        let name = arrived.iter().skip(12);
        if name.zip(mechanism.padded()).any(|(came, wanted)| *came != wanted) {
            return Err(ProtocolError::WrongMechanism);
        }
        if arrived.len() < GREETING_BYTES {
            return Ok(None);
        }
        let minor = arrived.get(11).copied().unwrap_or_default();
        Ok(Some(Self { minor: if major > MAJOR { MINOR } else { minor } }))
    }
}

#[cfg(test)]
mod tests {
    use super::{GREETING_BYTES, Greeting, Mechanism};
    use crate::protocol::ProtocolError;

    #[test]
    fn a_greeting_reads_back_however_it_is_cut() {
        let ours = Greeting::encode(Mechanism::Null);
        for length in 0..GREETING_BYTES {
            assert_eq!(Greeting::read(&ours[..length], Mechanism::Null), Ok(None));
        }
        assert_eq!(Greeting::read(&ours, Mechanism::Null), Ok(Some(Greeting { minor: 1 })));
    }

    #[test]
    fn padding_and_as_server_have_no_meaning_and_later_versions_are_welcome() {
        let mut odd = Greeting::encode(Mechanism::Null);
        odd[1..9].copy_from_slice(b"whatever");
        odd[32] = 1;
        odd[10] = 4;
        odd[11] = 0;
        assert_eq!(Greeting::read(&odd, Mechanism::Null), Ok(Some(Greeting { minor: 1 })));
    }

    #[test]
    fn what_is_not_ours_is_refused_at_its_first_wrong_byte() {
        let with = |at: usize, byte: u8| {
            let mut bytes = Greeting::encode(Mechanism::Null);
            bytes[at] = byte;
            Greeting::read(&bytes[..=at], Mechanism::Null)
        };
        assert_eq!(with(0, b'G'), Err(ProtocolError::BadSignature));
        assert_eq!(with(9, 0), Err(ProtocolError::BadSignature));
        assert_eq!(with(10, 2), Err(ProtocolError::OldVersion));
        assert_eq!(with(12, b'P'), Err(ProtocolError::WrongMechanism));
        assert_eq!(with(31, b'X'), Err(ProtocolError::WrongMechanism));
        let curve = Greeting::encode(Mechanism::Curve);
        assert_eq!(Greeting::read(&curve, Mechanism::Null), Err(ProtocolError::WrongMechanism));
    }
}
