/// A driver of Skimmer that this program was built without. The crate that would link the driver submits this instead.
///
/// One settings file serves all programs of a host. A program with fewer drivers ignores the sections of the others; if
/// its settings select one of them, the error states how to link it.
///
/// ```
/// use pubsub_api::UnlinkedDriver;
///
/// inventory::submit! {
///     UnlinkedDriver {
///         section: "drivers.example",
///         aliases: &["example_nb_db_driver"],
///         feature: "example",
///     }
/// }
/// assert!(UnlinkedDriver::has_section("drivers.example"));
/// assert!(UnlinkedDriver::has_variable("SKIMMER_DRIVERS_EXAMPLE_PATH"));
/// ```
#[derive(Debug)]
pub struct UnlinkedDriver {
    /// Its section of the settings file, such as `drivers.redis`.
    pub section: &'static str,
    /// Its aliases, in every role and as a database.
    pub aliases: &'static [&'static str],
    /// The feature of the crate `drivers` that links it.
    pub feature: &'static str,
}

inventory::collect!(UnlinkedDriver);

impl UnlinkedDriver {
    /// Returns the unlinked driver that has this alias.
    pub(crate) fn called(alias: &str) -> Option<&'static Self> {
        inventory::iter::<Self>.into_iter().find(|driver| driver.aliases.contains(&alias))
    }

    /// Returns whether a section of the settings file belongs to a driver that this program was built without.
    #[must_use]
    pub fn has_section(section: &str) -> bool {
        inventory::iter::<Self>.into_iter().any(|driver| driver.section == section)
    }

    /// Returns whether an environment variable is a setting of a driver that this program was built without.
    #[must_use]
    pub fn has_variable(variable: &str) -> bool {
        let mut prefixes = inventory::iter::<Self>
            .into_iter()
            .map(|driver| format!("SKIMMER_{}_", driver.section.replace('.', "_").to_uppercase()));
        prefixes.any(|prefix| variable.starts_with(&prefix))
    }
}
