use std::path::PathBuf;

use pubsub_api::settings::Settings;
use pubsub_api::{Error, ErrorKind, Result};

use crate::{AcceptedEvents, EventOpener, EventSealer, Keyring, SealedParts, SealingSettings};

/// How a publisher seals its events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealingOptions {
    /// The file with the keys.
    pub keyring_file: PathBuf,
    /// What is sealed.
    pub parts: SealedParts,
}

/// How a subscriber opens events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpeningOptions {
    /// The file with the keys.
    pub keyring_file: PathBuf,
    /// Which events are accepted.
    pub accept: AcceptedEvents,
}

impl SealingOptions {
    /// From the settings; `None` if the events of a publisher are not sealed. The file is not read.
    ///
    /// # Errors
    /// [`ErrorKind::Settings`] if events are to be sealed and no keyring is set.
    pub fn of(settings: &Settings) -> Result<Option<Self>> {
        let sealing = SealingSettings::read(settings)?;
        let Some(parts) = sealing.events.parts() else { return Ok(None) };
        let keyring_file =
            needed(sealing.keyring_file, &format!("sealing.events = {:?}", sealing.events.as_str()))?;
        Ok(Some(Self { keyring_file, parts }))
    }

    /// Opens the keyring, and makes the sealer of this process.
    ///
    /// # Errors
    /// As [`Keyring::open`] and [`EventSealer::new`].
    pub fn open(&self) -> Result<EventSealer> {
        let keyring = match self.parts {
            SealedParts::Value => Keyring::open(&self.keyring_file)?,
            SealedParts::Row => Keyring::open_with_rows(&self.keyring_file)?,
        };
        EventSealer::new(keyring, self.parts)
    }
}

impl OpeningOptions {
    /// From the settings; `None` without a keyring: sealed events stay sealed then. The file is not read.
    ///
    /// # Errors
    /// [`ErrorKind::Settings`] if only sealed events are accepted and no keyring is set.
    pub fn of(settings: &Settings) -> Result<Option<Self>> {
        let SealingSettings { keyring_file, accept, .. } = SealingSettings::read(settings)?;
        match (keyring_file, accept) {
            (None, AcceptedEvents::Any) => Ok(None),
            (file, accept) => {
                let keyring_file = needed(file, &format!("sealing.accept = {:?}", accept.as_str()))?;
                Ok(Some(Self { keyring_file, accept }))
            }
        }
    }

    /// Opens the keyring.
    ///
    /// # Errors
    /// As [`Keyring::open`].
    pub fn open(&self) -> Result<EventOpener> {
        Ok(EventOpener::new(Keyring::open(&self.keyring_file)?, self.accept))
    }
}

fn needed(file: Option<PathBuf>, why: &str) -> Result<PathBuf> {
    file.ok_or_else(|| {
        let text =
            format!("sealing.keyring_file is empty, and {why} needs it: skimmer keys keyring new FILE");
        Error::new(ErrorKind::Settings, text)
    })
}
