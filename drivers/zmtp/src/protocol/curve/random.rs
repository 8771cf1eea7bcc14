use rustix::io::Errno;
use rustix::rand::{GetRandomFlags, getrandom};
use zeroize::Zeroizing;

use crate::protocol::ProtocolError;

/// Random bytes of the kernel (getrandom(2)), which has them once it has booted.
pub(super) fn random<const N: usize>() -> Result<Zeroizing<[u8; N]>, ProtocolError> {
    let mut bytes = Zeroizing::new([0; N]);
    loop {
        match getrandom(bytes.as_mut_slice(), GetRandomFlags::empty()) {
            // Up to 256 bytes come whole.
            Ok(count) if count == N => return Ok(bytes),
            Ok(_) | Err(Errno::INTR) => {}
            Err(_) => return Err(ProtocolError::NoRandomness),
        }
    }
}
