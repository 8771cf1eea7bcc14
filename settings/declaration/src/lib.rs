//! The declaration of settings, once each, as data; their values, and where these came from.
//!
//! A crate [declares](declare_settings!) its settings once: the table, a struct with a field for each, and the reader
//! of that struct follow from it. A [`Setting`] has a [`Kind`], which its [`SettingValue`] obeys; a [`Slot`] has both, and
//! the value's [`Origin`]. The crate knows no setting by name, and reads no file. `pubsub-api` re-exports all of it as
//! `pubsub_api::settings`; only the crates below it name this crate.
//!
//! ```
//! use settings_declaration::{Kind, Origin, Section, SettingValue, Slot, declare_settings};
//!
//! declare_settings! {
//!     /// The settings of the driver `example`.
//!     pub struct ExampleSettings in "drivers.example" {
//!         /// The file of the driver; empty for none.
//!         file: Option<String> = r#""""#, Kind::Text, Restart;
//!         /// The number of events that may wait, 1 to 1000. When full, the oldest event is dropped.
//!         queue_events: usize = "100", Kind::Integer { min: 1, max: 1000 }, Restart;
//!     }
//! }
//!
//! // The crate `settings` makes the slots from files, environment and command line.
//! let [file, queue] = [&ExampleSettings::TABLE[0], &ExampleSettings::TABLE[1]];
//! let slots = vec![
//!     Slot { setting: file, value: SettingValue::Text(String::new()), origin: Origin::Default },
//!     Slot { setting: queue, value: SettingValue::Integer(7), origin: Origin::Set },
//! ];
//! let settings = ExampleSettings::read(&slots)?;
//! assert_eq!((settings.file, settings.queue_events), (None, 7));
//! assert_eq!(Section::new(&slots, "drivers.example").get::<u16>("queue_events")?, 7);
//! # Ok::<(), errors::Error>(())
//! ```

mod declare;

mod choice;

mod kind;
mod reload;
mod setting;

mod from_value;
mod setting_value;

mod origin;
mod section;
mod slot;

mod endpoint;
mod shown;
mod tcp_endpoint;
mod userinfo;

pub use endpoint::{check_address, endpoint};
pub use from_value::FromValue;
pub use kind::Kind;
pub use origin::{Origin, Place};
pub use reload::Reload;
pub use section::Section;
pub use setting::Setting;
pub use setting_value::SettingValue;
pub use shown::{quoted, shown};
pub use slot::Slot;
pub use tcp_endpoint::{check_tcp_endpoint, check_transport};
pub use userinfo::{check_no_userinfo, without_userinfo};

/// For the code that [`declare_settings!`] writes.
#[doc(hidden)]
pub use errors::Result;
