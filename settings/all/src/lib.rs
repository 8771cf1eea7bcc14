//! The settings of every program that shares the settings file.
//!
//! One file serves all programs of a host, and each refuses what is wrong in it, also in the sections of the others. So
//! each knows all tables: this crate lists them, in the order of the sample file, and is the only place that does. Those
//! of the drivers come from the [`Registry`](pubsub_api::Registry).
//!
//! ```
//! use settings::Sources;
//!
//! let sources = Sources { sets: vec!["agent.topics=chassis".into()], ..Sources::default() };
//! let (settings, _warnings) = all_settings::load(&sources, &[])?;
//! assert!(settings.is_set("agent.topics"));
//! # Ok::<(), pubsub_api::Error>(())
//! ```

use data_services_settings::DataServicesSettings;
use delivery::KeptSettings;
use northbound::DatabaseSettings;
use publisher_service_settings::ServiceSettings;
use pubsub_api::Result;
use pubsub_api::settings::{PubSub, Setting, Settings};
use sealing::SealingSettings;
use settings::{DatabaseHosts, OsloRules, OwnDefault, RenamedOption, Sources, Warning};
use subscriber_agent_settings::AgentSettings;

/// All tables but the drivers', in the order of the sample file.
const TABLES: &[&[Setting]] = &[
    PubSub::TABLE,
    DatabaseSettings::TABLE,
    ServiceSettings::TABLE,
    KeptSettings::TABLE,
    AgentSettings::TABLE,
    SealingSettings::TABLE,
    DataServicesSettings::TABLE,
];

/// The sections, each with the sentence that opens it in the sample file.
const OPENINGS: &[(&str, &str)] = &[
    (
        "pubsub",
        "What publishers, subscribers and the service between them share. The names are Dragonflow's.",
    ),
    ("service", "The publisher service, one on each API host."),
    ("agent", "The subscriber agent, one on each node that needs events."),
    (
        "sealing",
        "Events that are encrypted and authenticated once, for all agents (docs/security.md#sealed-events).",
    ),
    (
        "data_services",
        "A node of the data services engine (`skimmer dse run`), and the commands of `skimmer dse`.",
    ),
];

/// What Dragonflow's files set beyond the settings of their options' names (docs/oslo-config-differences.md). The last
/// versions of Dragonflow have `ipc_socket`; their drivers are not all ours, so our aliases stay the defaults.
const OSLO_RULES: OsloRules = OsloRules {
    renamed: &[RenamedOption {
        section: "df_zmq",
        option: "ipc_socket",
        setting: "publisher_multiproc_socket",
    }],
    foreign_defaults: &["publisher_bind_address", "publishers_ips"],
    own_defaults: &[
        OwnDefault {
            setting: "nb_db_class",
            difference: "is sqlite_nb_db_driver, which no other host sees (Dragonflow: etcd_nb_db_driver, which Skimmer \
                         does not have)",
        },
        OwnDefault {
            setting: "pub_sub_driver",
            difference: "is zmtp_pubsub_driver, which speaks the wire of Dragonflow's zmq_pubsub_driver",
        },
        OwnDefault {
            setting: "pub_sub_multiproc_driver",
            difference: "is zmtp_pubsub_multiproc_driver, which speaks the wire of Dragonflow's \
                         zmq_pubsub_multiproc_driver",
        },
    ],
    hosts: Some(DatabaseHosts {
        setting: ("drivers.redis", "hosts"),
        chosen_by: &["pub_sub_driver", "nb_db_class"],
        alias_prefix: "redis_",
        database: "Redis",
    }),
};

/// Reads all sources and checks every value; `drivers` as [`Registry::settings`](pubsub_api::Registry::settings) has them.
///
/// # Errors
///
/// As [`settings::load`].
pub fn load(sources: &Sources, drivers: &[&'static [Setting]]) -> Result<(Settings, Vec<Warning>)> {
    settings::load_with_rules(sources, TABLES, drivers, OSLO_RULES)
}

/// The default of every setting.
///
/// # Errors
///
/// [`ErrorKind::Internal`](pubsub_api::ErrorKind::Internal) if a driver's table contradicts itself or another.
pub fn defaults(drivers: &[&'static [Setting]]) -> Result<Settings> {
    load(&Sources::default(), drivers).map(|(settings, _)| settings)
}

/// The complete documented settings file, `etc/skimmer.toml`.
///
/// ```
/// let sample = all_settings::sample(&[]);
/// assert!(sample.contains("\n[agent]\n"));
/// assert!(sample.contains("\n#publisher_port = 8866\n"));
/// ```
#[must_use]
pub fn sample(drivers: &[&'static [Setting]]) -> String {
    settings::sample(TABLES, OPENINGS, drivers)
}
