//! Loading, checking and showing settings. It knows no setting of ours by name.
//!
//! A program loads its settings once, with [`load`], and again on SIGHUP. The same tables of
//! [`Setting`](pubsub_api::settings::Setting)s drive parsing, checks, documentation ([`sample`]), the names of environment
//! variables and `skimmer config show`; every crate [declares](pubsub_api::settings::declare_settings!) its own.
//!
//! The crate is above `pubsub-api`, which has the declarations and the values that a driver is handed: a driver needs no
//! parser, and no driver is built again when loading changes. Only `oslo`, the reader of Dragonflow's file, has names in
//! it: Dragonflow's, and the settings for which they stand where the two are called differently.
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
//! [`ErrorKind::Settings`](pubsub_api::ErrorKind::Settings) error (exit status 78), one line for each problem with its
//! place and the nearest right spelling. Nothing is guessed.
//!
//! A program that was built without some drivers passes over their sections and variables
//! ([`UnlinkedDriver`](pubsub_api::UnlinkedDriver)).
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
//! use pubsub_api::settings::PubSub;
//! use settings::{Sources, load};
//!
//! let sources = Sources { sets: vec!["publisher_port=9000".into()], ..Sources::default() };
//! let (settings, warnings) = load(&sources, &[PubSub::TABLE], &[])?;
//! assert_eq!(settings.pubsub().publisher_port, 9000);
//! assert!(warnings.is_empty());
//!
//! let sources = Sources { sets: vec!["linger=10".into()], ..Sources::default() };
//! let error = load(&sources, &[PubSub::TABLE], &[]).unwrap_err();
//! assert_eq!(
//!     error.to_string(),
//!     "--set linger=10: `linger` wants a duration from 0s to 1h, such as \"5s\" or \"250ms\", \
//!      not 10 without a unit: write 10s or 10ms"
//! );
//! # Ok::<(), pubsub_api::Error>(())
//! ```

mod sources;

mod load;
mod source_text;
mod table;
mod toml_file;

mod kubernetes;
mod oslo;
mod oslo_rules;

mod unit;
mod value;
mod wanted;

mod file_content;
mod findings;
mod nearest;
mod warning;

mod changes;
mod sample;
mod shown_setting;

pub use changes::restart_only_changes;
pub use load::{load, load_with_rules};
pub use oslo_rules::{DatabaseHosts, OsloRules, OwnDefault, RenamedOption};
pub use sample::sample;
pub use shown_setting::{ShownSetting, shown_settings};
pub use sources::{ENVIRONMENT_OF_OTHERS, Sources};
pub use unit::parse_duration;
pub use warning::Warning;
