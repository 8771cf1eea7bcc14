use std::sync::Arc;

use key_files::random;
use pubsub_api::{Error, ErrorKind, Result};

use crate::keyring::Keyring;
use crate::nonce_cipher::{Domain, NonceCipher, PREFIX_BYTES};

/// The key with which one sealer seals, and its nonces.
///
/// A nonce is 16 random bytes, drawn when the sealer is made, and a counter of 8 bytes: it costs no system call, and no two texts of a
/// sealer have the same one.
pub(crate) struct SealingKey {
    keyring: Arc<Keyring>,
    domain: Domain,
    prefix: [u8; PREFIX_BYTES],
    counter: u64,
    /// The number of changes of the keyring that the fields below include.
    changes: u64,
    id: String,
    cipher: NonceCipher,
}

impl SealingKey {
    /// Draws the random bytes of the nonces.
    ///
    /// # Errors
    /// [`ErrorKind::Unavailable`] if the kernel has no random bytes.
    pub(crate) fn new(keyring: Arc<Keyring>, domain: Domain) -> Result<Self> {
        let prefix = random::<PREFIX_BYTES>()
            .map_err(|error| Error::new(ErrorKind::Unavailable, "cannot seal events").with_source(error))?;
        let (changes, keys) = (keyring.changes(), keyring.keys());
        Ok(Self {
            cipher: NonceCipher::new(keys.used().secret(), &prefix, domain),
            id: keys.used().id().to_owned(),
            keyring,
            domain,
            prefix: *prefix,
            counter: 0,
            changes,
        })
    }

    pub(crate) fn keyring(&self) -> Arc<Keyring> {
        Arc::clone(&self.keyring)
    }

    /// Uses the key that the keyring marks now.
    pub(crate) fn use_current(&mut self) {
        let changes = self.keyring.changes();
        if changes == self.changes {
            return;
        }
        let keys = self.keyring.keys();
        self.changes = changes;
        self.cipher = NonceCipher::new(keys.used().secret(), &self.prefix, self.domain);
        keys.used().id().clone_into(&mut self.id);
    }

    /// The id of the key; at most [`MAX_KEY_ID_BYTES`](pubsub_api::wire::SealedRef::MAX_KEY_ID_BYTES).
    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    pub(crate) fn cipher(&self) -> &NonceCipher {
        &self.cipher
    }

    /// Appends the next nonce. Returns the counter in it.
    pub(crate) fn put_nonce(&mut self, out: &mut Vec<u8>) -> u64 {
        self.counter += 1;
        out.extend_from_slice(&self.prefix);
        out.extend_from_slice(&self.counter.to_be_bytes());
        self.counter
    }
}
