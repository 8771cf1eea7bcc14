//! The declaration of settings, once each, as data; their values, and where these came from.
//!
//! A crate [declares](declare_settings!) its settings once: the table, a struct with a field for each, and the reader
//! of that struct follow from it. A [`Setting`] has a [`Kind`], which its [`SettingValue`] obeys; a [`Slot`] has both, and
//! the value's [`Origin`]. The crate knows no setting by name, and reads no file. `pubsub-api` re-exports all of it as
//! `pubsub_api::settings`; only the crates below it name this crate.

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
