use crate::{Kind, Reload};

/// One setting: its place, the values that it accepts, and its meaning.
///
/// ```
/// use settings_declaration::{Kind, Reload, Setting};
///
/// const SETTINGS: &[Setting] = &[Setting {
///     section: "drivers.example",
///     name: "recv_queue_events",
///     kind: Kind::Integer { min: 1, max: 1_000_000 },
///     default: "10000",
///     doc: "Events that wait for the application. When full, the oldest is dropped and a gap is reported.",
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
    /// The values that it accepts.
    pub kind: Kind,
    /// The default, as TOML text: a duration is `"\"5s\""`.
    pub default: &'static str,
    /// One or more sentences: meaning, unit, bounds, source of the default, what happens at the limit.
    pub doc: &'static str,
    /// Whether a running program applies a new value.
    pub reload: Reload,
    /// Previous names, which are refused with a hint at this one.
    pub formerly: &'static [&'static str],
}

impl Setting {
    /// Returns its name for `--set` and messages: the bare name in `[pubsub]`, else section, dot and name.
    ///
    /// ```
    /// use settings_declaration::{Kind, Reload, Setting};
    ///
    /// let port = Setting {
    ///     section: "pubsub",
    ///     name: "publisher_port",
    ///     kind: Kind::Integer { min: 0, max: 65535 },
    ///     default: "8866",
    ///     doc: "The TCP port that a publisher binds.",
    ///     reload: Reload::Restart,
    ///     formerly: &["port"],
    /// };
    /// assert_eq!(port.full_name(), "publisher_port");
    /// assert_eq!(port.environment(), "SKIMMER_PUBLISHER_PORT");
    /// assert!(port.former().all(|former| former.full_name() == "port"));
    /// ```
    #[must_use]
    pub fn full_name(&self) -> String {
        match self.section {
            "pubsub" => self.name.to_owned(),
            section => format!("{section}.{}", self.name),
        }
    }

    /// Returns the environment variable that sets it.
    #[must_use]
    pub fn environment(&self) -> String {
        let upper = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' };
        format!("SKIMMER_{}", self.full_name().chars().map(upper).collect::<String>())
    }

    /// Iterates over the same setting under each of its previous names.
    pub fn former(&self) -> impl Iterator<Item = Self> {
        let (former, setting) = (self.formerly, *self);
        former.iter().map(move |name| Self { name, ..setting })
    }

    /// Returns whether `other` has the same section and name.
    #[must_use]
    pub fn is(&self, other: &Self) -> bool {
        self.section == other.section && self.name == other.name
    }
}
