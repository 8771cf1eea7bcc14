use std::fmt;

/// The security mechanisms of ZMTP; NULL and CURVE are spoken.
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
    pub(super) const fn padded(self) -> [u8; 20] {
        match self {
            Self::Null => *b"NULL\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
            Self::Plain => *b"PLAIN\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
            Self::Curve => *b"CURVE\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
        }
    }
}

impl fmt::Display for Mechanism {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        MechanismName(self.padded()).fmt(f)
    }
}

/// The name of a mechanism as a peer sent it: what of it RFC 37 allows ("mechanism-char"), up to the first other byte.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct MechanismName([u8; NAME_BYTES]);

pub(super) const NAME_BYTES: usize = 20;

impl MechanismName {
    /// The name in the bytes of a greeting's field.
    #[must_use]
    pub fn new(field: &[u8]) -> Self {
        let mut name = [0; NAME_BYTES];
        let sent = field.iter().take_while(|byte| is_of_a_name(**byte));
        name.iter_mut().zip(sent).for_each(|(to, from)| *to = *from);
        Self(name)
    }
}

impl fmt::Display for MechanismName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.0.split(|byte| *byte == 0).next().unwrap_or_default();
        f.write_str(&String::from_utf8_lossy(name))
    }
}

impl fmt::Debug for MechanismName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

pub(super) fn is_of_a_name(byte: u8) -> bool {
    matches!(byte, b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'+')
}
