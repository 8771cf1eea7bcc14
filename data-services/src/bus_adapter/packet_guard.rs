use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use msgpack::{Head, Reader};
use pubsub_api::Result;
use sealing::{AcceptedEvents, Keyring, PacketOpener, PacketSealer, PacketSealing};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

use super::invalid::Invalid;

/// Seals the packets that a node sends, and opens those that it receives, as its options say. Without any, packets are sent and
/// accepted as they are.
pub(super) struct PacketGuard {
    sealer: Option<Mutex<PacketSealer>>,
    opener: Option<Mutex<PacketOpener>>,
    accept: AcceptedEvents,
    /// Follows the file of the keyring.
    watch: Option<JoinHandle<()>>,
}

/// The head of sealed bytes: msgpack binary data with a length of 32 bits.
const HEAD: u8 = 0xc6;
const HEAD_BYTES: usize = 5;

impl PacketGuard {
    /// The most bytes that a sealed packet has more than a plain one.
    pub(super) const OVERHEAD_BYTES: usize = HEAD_BYTES + PacketSealer::OVERHEAD_BYTES;

    /// Opens the keyring, and follows it from now on.
    ///
    /// # Errors
    /// As [`PacketSealing::open`].
    pub(super) fn start(sealing: Option<&PacketSealing>) -> Result<Self> {
        let Some(sealing) = sealing else {
            return Ok(Self { sealer: None, opener: None, accept: AcceptedEvents::Any, watch: None });
        };
        let (sealer, opener) = sealing.open()?;
        let watch = Some(tokio::spawn(watch(opener.keyring())));
        let (sealer, opener) = (sealer.map(Mutex::new), Some(Mutex::new(opener)));
        Ok(Self { sealer, opener, accept: sealing.accept, watch })
    }

    /// Whether packets are sealed.
    pub(super) fn seals(&self) -> bool {
        self.sealer.is_some()
    }

    /// Returns the packet as it is sent: one msgpack value.
    pub(super) fn seal(&self, topic: &[u8], packet: Vec<u8>) -> Vec<u8> {
        let Some(sealer) = &self.sealer else { return packet };
        let mut sealed = Vec::with_capacity(packet.len() + Self::OVERHEAD_BYTES);
        sealed.extend_from_slice(&[HEAD, 0, 0, 0, 0]);
        sealer.lock().unwrap_or_else(PoisonError::into_inner).seal(topic, &packet, &mut sealed);
        let length = u32::try_from(sealed.len() - HEAD_BYTES).unwrap_or(u32::MAX);
        if let Some(place) = sealed.get_mut(1..HEAD_BYTES) {
            place.copy_from_slice(&length.to_be_bytes());
        }
        sealed
    }

    /// Passes the packet to `read` that has come as this msgpack value.
    ///
    /// # Errors
    /// The cause, if it is not accepted; and that of `read`.
    pub(super) fn open<T>(
        &self,
        topic: &[u8],
        value: &[u8],
        read: impl FnOnce(&[u8]) -> std::result::Result<T, Invalid>,
    ) -> std::result::Result<T, Invalid> {
        match (Reader::new(value).head(), &self.opener) {
            (Ok(Head::Binary(sealed)), Some(opener)) => {
                let mut opener = opener.lock().unwrap_or_else(PoisonError::into_inner);
                read(opener.open(topic, sealed)?)
            }
            (Ok(Head::Binary(_)), None) => Err(Invalid::NoKeyring),
            (_, _) if self.accept == AcceptedEvents::Sealed => Err(Invalid::NotSealed),
            (_, _) => read(value),
        }
    }
}

/// Reads the file of a keyring again whenever it changes; never returns.
async fn watch(keyring: Arc<Keyring>) {
    loop {
        // The file has no events; a look at it costs one system call.
        sleep(Keyring::LOOK).await;
        keyring.refresh(Instant::now().into_std());
    }
}

impl Drop for PacketGuard {
    fn drop(&mut self) {
        if let Some(watch) = &self.watch {
            watch.abort();
        }
    }
}

impl fmt::Debug for PacketGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PacketGuard").field("seals", &self.seals()).field("accept", &self.accept).finish()
    }
}
