use super::ProtocolError;
use super::mechanism::{Mechanism, MechanismName, NAME_BYTES, is_of_a_name};

/// The fixed length of a greeting (RFC 37, "Formal Grammar").
pub const GREETING_BYTES: usize = 64;

/// The signature and the major version, of which the rest depends.
pub(super) const UP_TO_MAJOR_BYTES: usize = 11;

/// All that has a meaning between two peers of ZMTP 3: up to the name of the mechanism.
pub(super) const UP_TO_MECHANISM_BYTES: usize = NAME_AT + NAME_BYTES;

const SIGNATURE_START: u8 = 0xff;
const SIGNATURE_END: u8 = 0x7f;
const MAJOR: u8 = 3;
const MINOR: u8 = 1;

/// Where the name of the mechanism begins in a greeting.
const NAME_AT: usize = 12;

/// Where a greeting says whether it is that of a server.
const AS_SERVER_AT: usize = NAME_AT + NAME_BYTES;

/// The first 64 bytes of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Greeting {
    /// The peer's minor version under 3; a higher major version counts as 1, since it must talk to us as 3.1.
    pub minor: u8,
}

impl Greeting {
    /// Ours: 3.1, not as server.
    ///
    /// ```
    /// use drivers_zmtp::protocol::{Greeting, Mechanism};
    ///
    /// let (client, server) = (Greeting::encode(Mechanism::Curve), Greeting::encode_as_server(Mechanism::Curve));
    /// assert_eq!((client[32], server[32]), (0, 1));
    /// ```
    #[must_use]
    pub fn encode(mechanism: Mechanism) -> [u8; GREETING_BYTES] {
        let mut bytes = [0; GREETING_BYTES];
        let (head, rest) = bytes.split_at_mut(12);
        head.copy_from_slice(&[SIGNATURE_START, 0, 0, 0, 0, 0, 0, 0, 0, SIGNATURE_END, MAJOR, MINOR]);
        let (name, _) = rest.split_at_mut(20);
        name.copy_from_slice(&mechanism.padded());
        bytes
    }

    /// The same, as server: the side whose key the other one must know (RFC 37, "as-server").
    #[must_use]
    pub fn encode_as_server(mechanism: Mechanism) -> [u8; GREETING_BYTES] {
        let mut bytes = Self::encode(mechanism);
        if let Some(as_server) = bytes.get_mut(AS_SERVER_AT) {
            *as_server = 1;
        }
        bytes
    }

    /// Reads what has arrived of a greeting; `None` as long as nothing is wrong and something is missing.
    ///
    /// A wrong byte is refused when it arrives, not when the greeting is complete; another mechanism when its name is, so
    /// that the refusal can name it. The padding has no meaning and is not looked at; nor is `as-server`: NULL leaves it without
    /// one, and of two servers or two clients of CURVE each refuses the first command of the other.
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
            return Err(ProtocolError::OldVersion { revision: major });
        }
        let field = arrived.get(NAME_AT..arrived.len().min(UP_TO_MECHANISM_BYTES)).unwrap_or_default();
        if !mechanism.padded().starts_with(field) {
            let is_complete = field.len() == NAME_BYTES || !field.iter().all(|byte| is_of_a_name(*byte));
            let refused = ProtocolError::WrongMechanism { wanted: MechanismName::new(field) };
            return if is_complete { Err(refused) } else { Ok(None) };
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
    use super::{GREETING_BYTES, Greeting, Mechanism, MechanismName};
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
        assert_eq!(with(10, 2), Err(ProtocolError::OldVersion { revision: 2 }));
        assert_eq!(with(12, 7), Err(ProtocolError::WrongMechanism { wanted: MechanismName::new(b"") }));
    }

    #[test]
    fn another_mechanism_is_refused_by_its_whole_name() {
        for (mechanism, name, complete_at) in
            [(Mechanism::Curve, "CURVE", 12 + 5), (Mechanism::Plain, "PLAIN", 12 + 5)]
        {
            let bytes = Greeting::encode(mechanism);
            for length in 0..=complete_at {
                assert_eq!(Greeting::read(&bytes[..length], Mechanism::Null), Ok(None), "{length}");
            }
            let error = Greeting::read(&bytes[..=complete_at], Mechanism::Null).unwrap_err();
            assert_eq!(error, ProtocolError::WrongMechanism { wanted: MechanismName::new(name.as_bytes()) });
            assert!(error.to_string().contains(name), "{error}");
        }
        let mut long = Greeting::encode(Mechanism::Null);
        long[12..32].copy_from_slice(b"NULL-AND-MUCH-MORE.1");
        assert_eq!(Greeting::read(&long[..31], Mechanism::Null), Ok(None));
        let error = Greeting::read(&long[..32], Mechanism::Null).unwrap_err();
        assert!(error.to_string().contains("NULL-AND-MUCH-MORE.1"), "{error}");
    }
}
