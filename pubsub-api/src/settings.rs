//! What drivers and programs say about settings, and what they are handed: declarations, and checked values.
//!
//! A crate [declares](declare_settings!) its settings once: the table, a struct with a field for each, and the reader of
//! that struct follow from it. Files, environment and command line are read by the crate `settings`, which is above
//! this one and knows no setting by name; it hands every driver and program a [`Settings`]. So the contract needs no
//! parser, and a change in how settings are loaded builds no driver again.
//!
//! The section `[pubsub]` belongs to the contract as far as every driver obeys it or is chosen by it: [`PubSub`].

mod choice;
mod declare;
mod endpoint;
mod origin;
mod pubsub;
mod section;
mod setting;
mod shown;
mod slot;
mod userinfo;
mod value;

pub use endpoint::{check_address, endpoint};
pub use origin::{Origin, Place};
pub use pubsub::{PubSub, UseNbDb};
pub use section::Section;
pub use setting::{Kind, Reload, Setting};
pub use shown::{quoted, shown};
pub use slot::Slot;
pub use userinfo::{check_no_userinfo, without_userinfo};
pub use value::{FromValue, Value};

pub use crate::{choice, declare_settings};

use crate::Result;

/// Every known setting with its value and where the value came from.
///
/// All values have been checked against their [`Kind`]. It is plain data: a program keeps one, loads another on
/// SIGHUP, and compares.
#[derive(Debug, Clone)]
pub struct Settings {
    slots: Vec<Slot>,
    pubsub: PubSub,
}

impl Settings {
    /// Makes settings of checked values; the crate `settings` is what checks them.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Settings`](crate::ErrorKind::Settings) if `publisher_id` is too long,
    /// [`ErrorKind::Internal`](crate::ErrorKind::Internal) if a setting of `[pubsub]` is missing or of another kind.
    pub fn new(slots: Vec<Slot>) -> Result<Self> {
        let pubsub = PubSub::read_from(&Section::new(&slots, PubSub::SECTION))?;
        pubsub.check()?;
        Ok(Self { slots, pubsub })
    }

    /// The section `[pubsub]`.
    #[must_use]
    pub fn pubsub(&self) -> &PubSub {
        &self.pubsub
    }

    /// The section of this name. An unknown one is empty.
    #[must_use]
    pub fn section<'a>(&'a self, name: &'a str) -> Section<'a> {
        Section::new(&self.slots, name)
    }

    /// Whether any source sets the setting of this full name, be it to its default.
    #[must_use]
    pub fn is_set(&self, name: &str) -> bool {
        let slot = self.slots.iter().find(|slot| slot.setting.full_name() == name);
        slot.is_some_and(|slot| !matches!(slot.origin, Origin::Default | Origin::Dragonflow))
    }

    /// Every setting with its value and origin, in the order of the tables.
    #[must_use]
    pub fn slots(&self) -> &[Slot] {
        &self.slots
    }
}
