use std::fmt;
use std::str::FromStr;

use key_files::{NoRandomness, random};
use x25519_dalek::{SharedSecret, StaticSecret};
use zeroize::Zeroizing;

use super::z85;

/// The number of characters of a key in Z85 (RFC 32).
pub const KEY_CHARACTERS: usize = 40;

/// A public key: it may be seen by everybody. Its text is Z85.
///
/// ```
/// use drivers_zmtp::protocol::curve::{PublicKey, SecretKey};
///
/// let secret = SecretKey::generate()?;
/// let text = secret.public().to_string();
/// assert_eq!(text.len(), 40);
/// assert_eq!(text.parse(), Ok(secret.public()));
/// assert!("no key".parse::<PublicKey>().is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct PublicKey([u8; 32]);

/// A secret key. Its bytes are overwritten when it is dropped, and `Debug` does not show them.
#[derive(Clone)]
pub struct SecretKey(StaticSecret);

impl PublicKey {
    pub(super) fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    pub(super) fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// A number for it, which differs from that of any other key that is used.
    pub(crate) fn account(&self) -> u64 {
        self.0.iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte))
    }
}

impl SecretKey {
    /// A new one.
    ///
    /// # Errors
    /// [`NoRandomness`].
    pub fn generate() -> Result<Self, NoRandomness> {
        random().map(|bytes| Self(StaticSecret::from(*bytes)))
    }

    /// The public key of it.
    #[must_use]
    pub fn public(&self) -> PublicKey {
        PublicKey(x25519_dalek::PublicKey::from(&self.0).to_bytes())
    }

    /// Its text in Z85, for the file that keeps it.
    #[must_use]
    pub fn to_text(&self) -> Zeroizing<String> {
        Zeroizing::new(z85::encode(self.0.as_bytes()))
    }

    pub(super) fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(StaticSecret::from(bytes))
    }

    pub(super) fn as_bytes(&self) -> &[u8; 32] {
        self.0.as_bytes()
    }

    pub(super) fn agree(&self, public: &PublicKey) -> SharedSecret {
        self.0.diffie_hellman(&x25519_dalek::PublicKey::from(public.0))
    }
}

/// What an invalid key is told; the text that came is left out, as it may be a secret one with a typing error.
const NO_KEY: &str = "a key has 40 characters of Z85 (RFC 32)";

impl FromStr for PublicKey {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        z85::decode(text).map(Self).ok_or_else(|| NO_KEY.to_owned())
    }
}

impl FromStr for SecretKey {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        z85::decode(text)
            .map(Zeroizing::new)
            .map(|bytes| Self::from_bytes(*bytes))
            .ok_or_else(|| NO_KEY.to_owned())
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&z85::encode(&self.0))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({self})")
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretKey(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::{PublicKey, SecretKey};

    /// The key pair of libzmq's documentation (zmq_curve_keypair(3), zmq_curve(7)).
    const PUBLIC: &str = "Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID";
    const SECRET: &str = "D:)Q[IlAW!ahhC2ac:9*A}h:p?([4%wOTJ%JR%cs";

    #[test]
    fn the_key_pair_of_the_documentation_of_libzmq_belongs_together() {
        let secret: SecretKey = SECRET.parse().unwrap();
        assert_eq!(secret.public().to_string(), PUBLIC);
        assert_eq!(PUBLIC.parse(), Ok(secret.public()));
        assert_eq!(*secret.to_text(), SECRET);
    }

    #[test]
    fn no_text_of_a_secret_key_is_shown() {
        let secret: SecretKey = SECRET.parse().unwrap();
        assert_eq!(format!("{secret:?}"), "SecretKey(…)");
        for wrong in [format!("{SECRET}x"), SECRET.replace('D', "~")] {
            let error = wrong.parse::<SecretKey>().unwrap_err();
            assert!(!error.contains(&wrong[1..20]), "{error}");
            assert!(wrong.parse::<PublicKey>().is_err());
        }
    }
}
