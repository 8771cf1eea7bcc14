use clap::ValueEnum;
use pubsub_api::settings::{Setting, Settings};
use pubsub_api::{Registry, Result, Role};

/// A program whose settings are checked or shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum ProgramRole {
    /// `publisher-service`
    Service,
    /// `subscriber-agent`
    Agent,
    /// An API worker, and `skimmer pub`
    Worker,
    /// A node of the data services engine, `skimmer dse run`
    Node,
}

impl ProgramRole {
    /// The sections of the settings that the program reads: its own, and those of the drivers that the settings choose.
    ///
    /// # Errors
    /// [`ErrorKind::Settings`](pubsub_api::ErrorKind::Settings) for an unknown alias.
    pub(super) fn sections(self, registry: &Registry, settings: &Settings) -> Result<Vec<&'static str>> {
        let mut sections = vec!["pubsub"];
        sections.extend(match self {
            Self::Service => Some("service"),
            Self::Agent => Some("agent"),
            Self::Worker => None,
            Self::Node => Some("data_services"),
        });
        if self != Self::Node {
            sections.push("sealing");
        }
        let pubsub = settings.pubsub();
        let mut tables = vec![registry.find(&pubsub.pub_sub_driver, Role::Network)?.settings];
        if matches!(self, Self::Service | Self::Worker) && pubsub.pub_sub_use_multiproc {
            tables.push(registry.find(&pubsub.pub_sub_multiproc_driver, Role::Multiproc)?.settings);
        }
        if matches!(self, Self::Service | Self::Agent) && registry.used_database(settings)?.is_some() {
            tables.push(registry.find_database(&pubsub.nb_db_class)?.settings);
        }
        sections.extend(tables.into_iter().flatten().map(|setting: &Setting| setting.section));
        Ok(sections)
    }
}
