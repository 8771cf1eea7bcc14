use chacha20::R20;
use chacha20::hchacha;
use chacha20poly1305::{ChaCha20Poly1305, KeyInit};

use crate::keyring::Secret;

/// The number of bytes that the nonces of one sealer have in common.
pub(crate) const PREFIX_BYTES: usize = 16;

/// The cipher for all nonces that begin with `prefix`: what XChaCha20-Poly1305 computes from these bytes is computed once
/// (draft-irtf-cfrg-xchacha, section 2.3).
pub(crate) fn cipher(key: &Secret, prefix: &[u8; PREFIX_BYTES]) -> ChaCha20Poly1305 {
    let mut subkey = hchacha::<R20>(&(*key.bytes()).into(), &(*prefix).into());
    let cipher = ChaCha20Poly1305::new(&subkey);
    zeroize::Zeroize::zeroize(subkey.as_mut_slice());
    cipher
}

/// The nonce of that cipher: four zeros, and the rest of the 24 bytes.
pub(crate) fn short_nonce(rest: [u8; 8]) -> [u8; 12] {
    let [a, b, c, d, e, f, g, h] = rest;
    [0, 0, 0, 0, a, b, c, d, e, f, g, h]
}

/// Writes what is authenticated besides the encrypted bytes: the topic frame, and the map up to there.
pub(crate) fn put_associated(out: &mut Vec<u8>, topic: &[u8], map: &[u8]) {
    out.clear();
    out.extend_from_slice(b"sealed-1");
    out.extend_from_slice(&u16::try_from(topic.len()).unwrap_or(u16::MAX).to_be_bytes());
    out.extend_from_slice(topic);
    out.extend_from_slice(map);
}
