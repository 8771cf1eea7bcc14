use std::path::PathBuf;
use std::sync::Arc;

use pubsub_api::Result;
use pubsub_api::settings::choice;

use crate::packets::{PacketOpener, PacketSealer};
use crate::{AcceptedEvents, Keyring};

choice! {
    /// How packets are sent.
    pub enum PacketsToSend {
        /// Readable.
        Plain = "plain",
        /// Sealed.
        Sealed = "sealed",
    }
}

/// How a process seals the packets that it sends, and opens those that it receives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PacketSealing {
    /// The setting that names the file, for errors.
    pub setting: &'static str,
    /// The file with the keys.
    pub keyring_file: PathBuf,
    /// How packets are sent.
    pub send: PacketsToSend,
    /// Which packets are accepted.
    pub accept: AcceptedEvents,
}

impl PacketSealing {
    /// Opens the keyring; the sealer is absent if packets are sent as they are.
    ///
    /// # Errors
    /// As [`Keyring::open`] and [`PacketSealer::new`].
    pub fn open(&self) -> Result<(Option<PacketSealer>, PacketOpener)> {
        let keyring = Keyring::open_of(self.setting, &self.keyring_file)?;
        let opener = PacketOpener::new(Arc::clone(&keyring));
        let sealer = match self.send {
            PacketsToSend::Plain => None,
            PacketsToSend::Sealed => Some(PacketSealer::new(keyring)?),
        };
        Ok((sealer, opener))
    }
}
