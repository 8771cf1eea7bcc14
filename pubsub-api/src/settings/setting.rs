use std::time::Duration;

/// One setting: where it stands, what it accepts, what it means.
///
/// ```
/// use pubsub_api::settings::{Kind, Reload, Setting};
///
/// const SETTINGS: &[Setting] = &[Setting {
///     section: "drivers.example",
///     name: "recv_queue_events",
///     kind: Kind::Integer { min: 1, max: 1_000_000 },
///     default: "10000",
///     doc: "Events that wait for the application. When full, the oldest is dropped and a gap is told.",
///     reload: Reload::Restart,
///     formerly: &[],
/// }];
/// assert_eq!(SETTINGS[0].full_name(), "drivers.example.recv_queue_events");
/// assert_eq!(SETTINGS[0].environment(), "SKIMMER_DRIVERS_EXAMPLE_RECV_QUEUE_EVENTS");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Setting {
    /// The section of the TOML file: `pubsub`, `service`, `agent` or `drivers.<name>`.
    pub section: &'static str,
    /// The name within the section: small letters, digits and `_`.
    pub name: &'static str,
    /// What it accepts.
    pub kind: Kind,
    /// The default, as TOML text: a duration is `"\"5s\""`.
    pub default: &'static str,
    /// One or more sentences: meaning, unit, bounds, source of the default, what happens at the limit.
    pub doc: &'static str,
    /// Whether a running program takes a new value.
    pub reload: Reload,
    /// Names that it had before, which are refused with this one.
    pub formerly: &'static [&'static str],
}

/// What a setting accepts. All bounds are inclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `true` or `false`.
    Bool,
    /// A whole number.
    Integer {
        /// The smallest.
        min: i64,
        /// The greatest; [`i64::MAX`] for any.
        max: i64,
    },
    /// Any text, also an empty one.
    Text,
    /// The path of a file, folder or socket; not empty.
    Path,
    /// A whole number with its unit: `"250ms"`, `"5s"`, `"2m"`, `"1h"`. A bare number is refused.
    Duration {
        /// The shortest.
        min: Duration,
        /// The longest.
        max: Duration,
    },
    /// A number of bytes, plain or as `"512KiB"`, `"64MiB"`, `"1GiB"`.
    Bytes {
        /// The smallest.
        min: u64,
        /// The greatest; [`u64::MAX`] for any.
        max: u64,
    },
    /// A list of texts.
    List,
    /// A list of addresses that [`endpoint`](super::endpoint()) accepts: `ip`, `ip:port`, `host` or `host:port`.
    Addresses,
    /// One of these words.
    Choice(&'static [&'static str]),
}

/// When a new value of a setting takes effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reload {
    /// A running program takes it on SIGHUP.
    Live,
    /// The program must be started again.
    Restart,
}

impl Setting {
    /// The name by which `--set` and messages know it: flat in `[pubsub]`, else with its section and a dot.
    #[must_use]
    pub fn full_name(&self) -> String {
        match self.section {
            "pubsub" => self.name.to_owned(),
            section => format!("{section}.{}", self.name),
        }
    }

    /// The environment variable that sets it.
    #[must_use]
    pub fn environment(&self) -> String {
        let upper = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' };
        format!("SKIMMER_{}", self.full_name().chars().map(upper).collect::<String>())
    }

    /// The same setting under each name that it had before.
    pub fn former(&self) -> impl Iterator<Item = Self> {
        let (former, setting) = (self.formerly, *self);
        former.iter().map(move |name| Self { name, ..setting })
    }

    /// Whether `other` stands at the same place.
    #[must_use]
    pub fn is(&self, other: &Self) -> bool {
        self.section == other.section && self.name == other.name
    }
}
