//! Settings: one table says what every setting means and accepts, and everything else follows from it.
//!
//! A program loads its settings once, with [`Settings::load`], and again when it is told to (SIGHUP). The same table
//! of [`Setting`]s drives parsing, checks, documentation ([`sample`]), the names of environment variables and
//! `skimmer config show`; a driver adds its own section, `[drivers.<name>]`, with a `const` slice of them.
//!
//! | source, strongest first | how a setting is named there |
//! |---|---|
//! | `--set name=value` | `publisher_port` (or `pubsub.publisher_port`), `service.drain_timeout`, `drivers.zeromq.…` |
//! | environment | `SKIMMER_PUBLISHER_PORT`, `SKIMMER_SERVICE_DRAIN_TIMEOUT`, `SKIMMER_DRIVERS_ZEROMQ_…` |
//! | oslo.config's environment, with an oslo.config file | `OS_DF__PUBLISHER_PORT` |
//! | file, the last one first | TOML: `publisher_port` under `[pubsub]`; or an oslo.config file of Dragonflow's: under `[df]` |
//! | default | – |
//!
//! Outside the file a list is written with commas between its items, a truth value as `true` or `false`, a text as it
//! is. Whatever is unknown, misspelt, of the wrong type, without its unit or out of range is refused, all of it in one
//! [`ErrorKind::Settings`](crate::ErrorKind::Settings) error (exit status 78), one line for each problem with its
//! place and the nearest right spelling. Nothing is guessed.
//!
//! Kubernetes sets variables such as `SKIMMER_SERVICE_HOST` for a Service called `skimmer`. A variable of that form is
//! passed over with a warning, unless it is the name of a setting and has a value that the setting accepts.
//!
//! # oslo.config files
//!
//! A file is read as oslo.config INI if its name ends in `.ini` or `.conf`, or if it has a section `[df]`, `[df_zmq]`,
//! `[df_redis]` or `[DEFAULT]` and none of ours. It means what oslo.config 10.7.0 makes of it with the declarations of
//! Dragonflow 4.0.0: `$name` is replaced, of an option that comes twice the last counts, and Dragonflow's defaults hold
//! for what is left out. `docs/oslo-config-differences.md` lists the exceptions. Options that mean nothing here get one
//! warning each.
//!
//! ```
//! use pubsub_api::settings::{Settings, Sources};
//!
//! let sources = Sources { sets: vec!["publisher_port=9000".into()], ..Sources::default() };
//! let (settings, warnings) = Settings::load(&sources, &[])?;
//! assert_eq!(settings.pubsub().publisher_port, 9000);
//! assert!(warnings.is_empty());
//!
//! let sources = Sources { sets: vec!["linger=10".into()], ..Sources::default() };
//! let error = Settings::load(&sources, &[]).unwrap_err();
//! assert_eq!(
//!     error.to_string(),
//!     "--set linger=10: `linger` wants a duration from 0s to 1h, such as \"5s\" or \"250ms\", \
//!      not 10 without a unit: write 10s or 10ms"
//! );
//! # Ok::<(), pubsub_api::Error>(())
//! ```

mod agent_table;
mod database_table;
mod endpoint;
mod findings;
mod kubernetes;
mod load;
mod nearest;
mod origin;
mod oslo;
mod sample;
mod setting;
mod shown;
mod source_text;
mod sources;
mod table;
mod toml_file;
mod typed;
mod unit;
mod userinfo;
mod value;

pub use endpoint::endpoint;
pub use origin::{Origin, Place, Warning};
pub use sample::sample;
pub use setting::{Kind, Reload, Setting};
pub use sources::{ENVIRONMENT_OF_OTHERS, Sources};
pub use typed::{Agent, DriverSettings, PubSub, Service};
pub use unit::parse_duration;
pub use userinfo::without_userinfo;

use crate::Result;
use load::Slot;

/// Every known setting with its value and where the value came from.
///
/// All values have been checked against their [`Kind`]. It is plain data: a program keeps one, loads another on
/// SIGHUP, and compares.
#[derive(Debug, Clone)]
pub struct Settings {
    slots: Vec<Slot>,
    pubsub: PubSub,
    service: Service,
    agent: Agent,
}

/// One line of `skimmer config show`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry<'a> {
    /// The setting.
    pub setting: &'static Setting,
    /// Its value as TOML text.
    pub value: String,
    /// Its value as JSON, of the same type as in TOML: a duration or a size with a unit is text.
    pub json: serde_json::Value,
    /// Where the value came from.
    pub origin: &'a Origin,
}

impl Settings {
    /// The defaults of everything, with the settings of `drivers`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Internal`](crate::ErrorKind::Internal) if a driver's table contradicts itself or another's.
    pub fn defaults(drivers: &[&'static [Setting]]) -> Result<Self> {
        Self::load(&Sources::default(), drivers).map(|(settings, _)| settings)
    }

    /// The section `[pubsub]`.
    #[must_use]
    pub fn pubsub(&self) -> &PubSub {
        &self.pubsub
    }

    /// The section `[service]`.
    #[must_use]
    pub fn service(&self) -> &Service {
        &self.service
    }

    /// The section `[agent]`.
    #[must_use]
    pub fn agent(&self) -> &Agent {
        &self.agent
    }

    /// The section `[drivers.<name>]`. Of an unknown driver it is empty.
    #[must_use]
    pub fn driver(&self, name: &str) -> DriverSettings<'_> {
        DriverSettings::new(&self.slots, name)
    }

    /// Whether any source sets the setting of this full name, be it to its default.
    #[must_use]
    pub fn is_set(&self, name: &str) -> bool {
        let slot = self.slots.iter().find(|slot| slot.setting.full_name() == name);
        slot.is_some_and(|slot| !matches!(slot.origin, Origin::Default | Origin::Dragonflow))
    }

    /// Every setting with its value and origin, in the order of the table: ours, then the drivers'.
    pub fn entries(&self) -> impl Iterator<Item = Entry<'_>> {
        self.slots.iter().map(|slot| Entry {
            setting: slot.setting,
            value: slot.value.to_toml(),
            json: slot.value.to_json(),
            origin: &slot.origin,
        })
    }

    /// The settings that have another value in `new` and that only a restart applies. A program that reloads says
    /// these by name and keeps running with the old values.
    #[must_use]
    pub fn restart_only_changes(&self, new: &Self) -> Vec<&'static Setting> {
        let differs = |slot: &&Slot| {
            let other = new.slots.iter().find(|other| other.setting.is(slot.setting));
            other.is_some_and(|other| other.value != slot.value)
        };
        let restart = |slot: &&Slot| slot.setting.reload == Reload::Restart;
        self.slots.iter().filter(restart).filter(differs).map(|slot| slot.setting).collect()
    }
}
