//! The settings of drivers and programs: declarations, and checked values.
//!
//! A crate [declares](declare_settings!) its settings once: the table, a struct with a field for each, and the reader
//! of that struct follow from it. The crate `settings`, which depends on this one and knows no setting by name, reads
//! files, environment and command line, and passes a [`Settings`] to every driver and program. So the contract needs no
//! parser, and a change in how settings are loaded does not rebuild the drivers.
//!
//! The section `[pubsub]` is part of the contract because every driver obeys it or is selected by it: [`PubSub`].

mod pubsub;

pub use pubsub::{PubSub, UseNbDb};
pub use settings_declaration::{
    FromValue, Kind, Origin, Place, Reload, Section, Setting, SettingValue, Slot, check_address,
    check_no_userinfo, check_tcp_endpoint, check_transport, choice, declare_settings, endpoint, quoted,
    shown, without_userinfo,
};

use crate::Result;

/// Every known setting with its value and the source of the value.
///
/// All values have been checked against their [`Kind`]. It is plain data: a program keeps one, loads another on SIGHUP,
/// and compares the two.
///
/// A program gets one from `settings::load`; a test may build one from slots. Cloning copies every value.
#[derive(Debug, Clone)]
pub struct Settings {
    slots: Vec<Slot>,
    pubsub: PubSub,
}

impl Settings {
    /// Creates settings from checked values; the crate `settings` checks them.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Settings`](crate::ErrorKind::Settings) if `publisher_id` is too long,
    /// [`ErrorKind::Internal`](crate::ErrorKind::Internal) if a setting of `[pubsub]` is missing or of another kind.
    pub fn new(slots: Vec<Slot>) -> Result<Self> {
        let pubsub = PubSub::read(&slots)?;
        pubsub.check()?;
        Ok(Self { slots, pubsub })
    }

    /// Returns the section `[pubsub]`.
    #[must_use]
    pub fn pubsub(&self) -> &PubSub {
        &self.pubsub
    }

    /// Returns the section of this name. An unknown one is empty.
    #[must_use]
    pub fn section<'a>(&'a self, name: &'a str) -> Section<'a> {
        Section::new(&self.slots, name)
    }

    /// Returns whether any source sets the setting of this full name, even to its default.
    ///
    /// The full name is that of [`Setting::full_name`]: the bare name in `[pubsub]`, else with its section, as in
    /// `service.ring_bytes`. `false` also for an unknown name.
    #[must_use]
    pub fn is_set(&self, name: &str) -> bool {
        let slot = self.slots.iter().find(|slot| slot.setting.full_name() == name);
        slot.is_some_and(|slot| !matches!(slot.origin, Origin::Default | Origin::Dragonflow))
    }

    /// Returns every setting with its value and origin, in the order of the tables.
    ///
    /// It is what `skimmer config show` prints. Two loaded settings are compared slot by slot.
    #[must_use]
    pub fn slots(&self) -> &[Slot] {
        &self.slots
    }
}

/// The slots, from which a [declared](declare_settings!) struct reads its section.
impl AsRef<[Slot]> for Settings {
    fn as_ref(&self) -> &[Slot] {
        &self.slots
    }
}
