use std::fmt;

use rustix::io::Errno;
use rustix::rand::{GetRandomFlags, getrandom};
use zeroize::Zeroizing;

/// The kernel has no random bytes: it has not booted, or denies getrandom(2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoRandomness;

/// Random bytes of the kernel (getrandom(2)), which has them once it has booted.
///
/// # Errors
/// [`NoRandomness`].
pub fn random<const N: usize>() -> Result<Zeroizing<[u8; N]>, NoRandomness> {
    let mut bytes = Zeroizing::new([0; N]);
    loop {
        match getrandom(bytes.as_mut_slice(), GetRandomFlags::empty()) {
            // Up to 256 bytes come whole.
            Ok(count) if count == N => return Ok(bytes),
            Ok(_) | Err(Errno::INTR) => {}
            Err(_) => return Err(NoRandomness),
        }
    }
}

impl fmt::Display for NoRandomness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the kernel returns no random bytes")
    }
}

impl std::error::Error for NoRandomness {}
