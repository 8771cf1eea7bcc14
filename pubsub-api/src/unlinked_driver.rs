/// A driver of Skimmer that this program was built without; the crate that would link it submits this in its place.
///
/// One settings file serves all programs of a host. A program with fewer drivers passes over the section of the others, and
/// if its settings name one of them, the error says how to link it.
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
    /// The one that has this alias.
    pub(crate) fn called(alias: &str) -> Option<&'static Self> {
        inventory::iter::<Self>.into_iter().find(|driver| driver.aliases.contains(&alias))
    }

    /// Whether a section of the settings file belongs to a driver that this program was built without.
    #[must_use]
    pub fn has_section(section: &str) -> bool {
        inventory::iter::<Self>.into_iter().any(|driver| driver.section == section)
    }

    /// Whether an environment variable is a setting of a driver that this program was built without.
    #[must_use]
    pub fn has_variable(variable: &str) -> bool {
        let mut prefixes = inventory::iter::<Self>
            .into_iter()
            .map(|driver| format!("SKIMMER_{}_", driver.section.replace('.', "_").to_uppercase()));
        prefixes.any(|prefix| variable.starts_with(&prefix))
    }
}
