/// What an oslo.config file of Dragonflow's sets beyond the settings that have the names of its options.
///
/// An option of `[df]` sets the setting of `[pubsub]` that has its name. Whatever else holds is about single settings,
/// which this crate does not know: its caller lists it. The default lists nothing.
///
/// ```
/// use settings::{OsloRules, RenamedOption};
///
/// const RULES: OsloRules = OsloRules {
///     renamed: &[RenamedOption { section: "df_zmq", option: "ipc_socket", setting: "publisher_multiproc_socket" }],
///     ..OsloRules::NONE
/// };
/// assert!(RULES.hosts.is_none());
/// ```
#[derive(Debug, Clone, Copy)]
pub struct OsloRules {
    /// Options of other sections that set a setting of another name; each is stronger than the option of `[df]`.
    pub renamed: &'static [RenamedOption],
    /// The settings of `[pubsub]` that have Dragonflow's default if no source sets them.
    pub foreign_defaults: &'static [&'static str],
    /// The settings of `[pubsub]` that keep our default although Dragonflow's differs.
    pub own_defaults: &'static [OwnDefault],
    /// Where the address of Dragonflow's database goes.
    pub hosts: Option<DatabaseHosts>,
}

impl OsloRules {
    /// No rule.
    pub const NONE: Self = Self { renamed: &[], foreign_defaults: &[], own_defaults: &[], hosts: None };

    /// Returns the option of another section that sets `setting`.
    pub(crate) fn renamed(&self, setting: &str) -> Option<&'static RenamedOption> {
        self.renamed.iter().find(|renamed| renamed.setting == setting)
    }

    /// Whether an option of another section sets a setting.
    pub(crate) fn is_renamed(&self, section: &str, option: &str) -> bool {
        self.renamed.iter().any(|renamed| (renamed.section, renamed.option) == (section, option))
    }
}

/// An option that sets a setting of another name.
#[derive(Debug, Clone, Copy)]
pub struct RenamedOption {
    /// The section of the option, such as `df_zmq`.
    pub section: &'static str,
    /// The name of the option.
    pub option: &'static str,
    /// The name of the setting in `[pubsub]`.
    pub setting: &'static str,
}

/// A setting that keeps our default. There is a warning if no source sets it.
#[derive(Debug, Clone, Copy)]
pub struct OwnDefault {
    /// The name of the setting in `[pubsub]`.
    pub setting: &'static str,
    /// What follows the name in the warning: our default, and how it relates to Dragonflow's.
    pub difference: &'static str,
}

/// The setting that Dragonflow's `remote_db_hosts`, or `remote_db_ip` and `remote_db_port`, set: if a driver is used that
/// reads it, and no other source sets it.
#[derive(Debug, Clone, Copy)]
pub struct DatabaseHosts {
    /// Section and name of the setting, a list of `host:port`.
    pub setting: (&'static str, &'static str),
    /// The settings of `[pubsub]` that choose a driver.
    pub chosen_by: &'static [&'static str],
    /// How the aliases of the drivers that read the setting begin.
    pub alias_prefix: &'static str,
    /// The name of the database in warnings.
    pub database: &'static str,
}
