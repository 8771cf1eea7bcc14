use std::path::PathBuf;

use pubsub_api::settings::{Kind, choice, declare_settings};
use pubsub_api::{Posture, Verdict};

choice! {
    /// What a publisher seals.
    pub enum EventsToSeal {
        /// Nothing.
        Plain = "plain",
        /// The value.
        Value = "value",
        /// Table, key and value.
        Row = "row",
    }
}

choice! {
    /// Which events or packets a receiver accepts.
    pub enum AcceptedEvents {
        /// Sealed ones and others.
        Any = "any",
        /// Sealed ones only.
        Sealed = "sealed",
    }
}

/// The parts of an event that are sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SealedParts {
    /// The value.
    Value,
    /// Table, key and value; outside stand a fixed table name and a tag of the row.
    Row,
}

impl EventsToSeal {
    /// The parts that are sealed; `None` if nothing is.
    #[must_use]
    pub fn parts(self) -> Option<SealedParts> {
        match self {
            Self::Plain => None,
            Self::Value => Some(SealedParts::Value),
            Self::Row => Some(SealedParts::Row),
        }
    }
}

declare_settings! {
    /// The settings of the section `[sealing]`.
    pub struct SealingSettings in "sealing" {
        /// The file with the keys of sealed events, mode 0600, as `skimmer keys keyring new` writes it: on each line
        /// the id of a key and the key, and after one of them `use`, with which publishers seal; and a line `rows` with the secret
        /// of `events = "row"`. It is read again when it changes, and never shown. A file that is invalid then changes
        /// nothing, which is logged every minute.
        keyring_file: Option<PathBuf> = r#""""#, Kind::Text, Restart;
        /// What a publisher seals (the publisher service, and on a broker each process that publishes): `plain` nothing, `value` the
        /// value of each event, `row` also table and key. Without a keyring, `value` and `row` are errors at the start.
        /// Change to or from `row` with an empty `state_dir` only.
        events: EventsToSeal = r#""plain""#, Kind::Choice(EventsToSeal::WORDS), Restart;
        /// Which events an agent accepts: `any`, or `sealed` only, which needs a keyring. An event that it does not accept, or that is
        /// not authentic, is dropped, reported and requested again. An agent without keyring cannot read
        /// sealed events: it refuses and reports them.
        accept: AcceptedEvents = r#""any""#, Kind::Choice(AcceptedEvents::WORDS), Restart;
    }
}

impl SealingSettings {
    /// Who can read and forge the values of a publisher's events.
    #[must_use]
    pub fn posture_of_publisher(&self) -> Posture {
        match self.events.parts() {
            None => Posture::new(
                ASPECT,
                Verdict::Open,
                "not sealed: brokers and the files of the ring have their values",
            )
            .remedy("sealing.events seals them"),
            Some(SealedParts::Value) => Posture::new(ASPECT, Verdict::Good, "their values are sealed"),
            Some(SealedParts::Row) => {
                Posture::new(ASPECT, Verdict::Good, "their tables, keys and values are sealed")
            }
        }
    }

    /// Whose events a subscriber accepts.
    #[must_use]
    pub fn posture_of_subscriber(&self) -> Posture {
        match (self.accept, &self.keyring_file) {
            (AcceptedEvents::Sealed, _) => Posture::new(
                ASPECT,
                Verdict::Good,
                "only sealed events are accepted, under a key of the keyring",
            ),
            (AcceptedEvents::Any, Some(_)) => {
                Posture::new(ASPECT, Verdict::Open, "events that are not sealed are accepted too")
                    .remedy("sealing.accept = \"sealed\" refuses them")
            }
            (AcceptedEvents::Any, None) => {
                Posture::new(ASPECT, Verdict::Open, "not sealed: whoever publishes is believed")
                    .remedy("sealing.keyring_file and sealing.accept = \"sealed\" change that")
            }
        }
    }
}

const ASPECT: &str = "events";
