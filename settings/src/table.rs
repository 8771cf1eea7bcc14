use pubsub_api::settings::{Setting, shown};
use pubsub_api::{Error, ErrorKind, Result};

use super::nearest::did_you_mean;

/// All settings that a program knows: ours, then those of its drivers.
#[derive(Debug, Clone)]
pub(super) struct Table(Vec<&'static Setting>);

impl Table {
    /// Two aliases of one driver may bring the same slice.
    pub(super) fn new(tables: &[&'static [Setting]], drivers: &[&'static [Setting]]) -> Result<Self> {
        let mut known: Vec<&'static Setting> = tables.iter().copied().flatten().collect();
        for setting in drivers.iter().copied().flatten() {
            let name = setting.full_name();
            let defect =
                |why: &str| Error::new(ErrorKind::Internal, format!("the driver setting {name} {why}"));
            if setting.section.strip_prefix("drivers.").is_none_or(str::is_empty) {
                return Err(defect("must stand in a section drivers.<name>"));
            }
            match known.iter().find(|other| other.is(setting)) {
                Some(other) if *other == setting => {}
                Some(_) => return Err(defect("is declared twice, differently")),
                None => known.push(setting),
            }
        }
        Ok(Self(known))
    }

    /// The same without checks, for documentation: of two declarations the first counts.
    pub(super) fn lenient(tables: &[&'static [Setting]], drivers: &[&'static [Setting]]) -> Self {
        let mut known: Vec<&'static Setting> = tables.iter().copied().flatten().collect();
        for setting in drivers.iter().copied().flatten() {
            if !known.iter().any(|other| other.is(setting)) {
                known.push(setting);
            }
        }
        Self(known)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &'static Setting> {
        self.0.iter().copied()
    }

    pub(super) fn find(&self, section: &str, name: &str) -> Option<&'static Setting> {
        self.iter().find(|setting| setting.section == section && setting.name == name)
    }

    /// The setting of which a former name is the one in question.
    pub(super) fn renamed(&self, is: impl Fn(&Setting) -> bool) -> Option<&'static Setting> {
        self.iter().find(|setting| setting.former().any(|former| is(&former)))
    }

    /// The names of a section.
    pub(super) fn names(&self, section: &str) -> impl Iterator<Item = &'static str> {
        self.iter().filter(move |setting| setting.section == section).map(|setting| setting.name)
    }

    /// The sections, ours first, each once.
    pub(super) fn sections(&self) -> Vec<&'static str> {
        let mut sections = Vec::new();
        for setting in self.iter() {
            if !sections.contains(&setting.section) {
                sections.push(setting.section);
            }
        }
        sections
    }

    /// The sentence about a name that a section does not know.
    pub(super) fn unknown(&self, section: &str, name: &str) -> String {
        if let Some(renamed) = self.renamed(|former| former.section == section && former.name == name) {
            return format!(
                "unknown setting `{}` in [{section}]; it is called `{}` now",
                shown(name),
                renamed.name
            );
        }
        let near = did_you_mean(name, self.names(section));
        let hint = match self.iter().find(|setting| setting.name == name) {
            Some(elsewhere) if near.is_empty() => format!("; it stands in [{}]", elsewhere.section),
            _ => near,
        };
        format!("unknown setting `{}` in [{section}]{hint}", shown(name))
    }

    /// The sentence about a section that nobody knows.
    pub(super) fn unknown_section(&self, section: &str) -> String {
        let hint = did_you_mean(section, self.sections());
        let known =
            if hint.is_empty() { format!("; known are {}", self.sections().join(", ")) } else { hint };
        format!("unknown section [{}]{known}", shown(section))
    }
}
