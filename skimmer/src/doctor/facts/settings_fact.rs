use std::path::PathBuf;
use std::time::Duration;

use delivery::KeptSettings;
use northbound::DatabaseSettings;
use publisher_service_settings::ServiceSettings;
use pubsub_api::settings::{FromValue, Settings, endpoint};
use pubsub_api::{Registry, Result};
use subscriber_agent_settings::AgentSettings;

/// The settings that the checks are about.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct SettingsFact {
    /// Why a program would not start with them, by program.
    pub(crate) refused: Vec<String>,
    /// What a start would warn of.
    pub(crate) warnings: Vec<String>,
    /// The alias of the network driver.
    pub(crate) network_driver: String,
    pub(crate) is_broker: bool,
    /// The security mechanism of the zmtp driver, `NULL` or `CURVE`; `None` with another driver.
    pub(crate) mechanism: Option<String>,
    pub(crate) transport: String,
    pub(crate) port: u16,
    /// The endpoints of `publishers_ips`.
    pub(crate) publishers: Vec<String>,
    pub(crate) state_dir: PathBuf,
    /// `None` if workers do not use one.
    pub(crate) worker_socket: Option<PathBuf>,
    pub(crate) ring_bytes: u64,
    pub(crate) snapshot_bytes: u64,
    pub(crate) fanout_bytes: u64,
    pub(crate) max_connections: u64,
    pub(crate) dead_after: Duration,
    pub(crate) max_delay: Duration,
    pub(crate) applied_interval: Duration,
    pub(crate) topics: Vec<String>,
    /// The alias of the northbound database, if it is used.
    pub(crate) database: Option<String>,
    /// The file of the database, if it is one of this host.
    pub(crate) database_file: Option<PathBuf>,
    pub(crate) publisher_timeout: Duration,
    pub(crate) report_interval: Duration,
    pub(crate) service_down_time: Duration,
    /// The files with tokens of the operations endpoints: of the service, and of the agent.
    pub(crate) token_files: [Option<PathBuf>; 2],
}

impl SettingsFact {
    /// # Errors
    /// [`ErrorKind::Settings`](pubsub_api::ErrorKind::Settings) for an unknown alias or a wrong address.
    pub(crate) fn read(registry: &Registry, settings: &Settings) -> Result<Self> {
        let pubsub = settings.pubsub();
        let (agent, service) = (AgentSettings::read(settings)?, ServiceSettings::read(settings)?);
        let (kept, rows) = (KeptSettings::read(settings)?, DatabaseSettings::read(settings)?);
        let is_broker = registry.route(settings)?.is_broker();
        let is_used = registry.used_database(settings)?.is_some();
        let of_entry = |entry: &String| endpoint(&pubsub.publisher_transport, entry, pubsub.publisher_port);
        let publishers = pubsub.publishers_ips.iter().map(of_entry).collect::<Result<_>>();
        Ok(Self {
            network_driver: pubsub.pub_sub_driver.clone(),
            is_broker,
            mechanism: mechanism(settings),
            transport: pubsub.publisher_transport.clone(),
            port: pubsub.publisher_port,
            // With port 0 an agent cannot know the port of a publisher.
            publishers: publishers.unwrap_or_default(),
            state_dir: pubsub.state_dir.clone(),
            worker_socket: (pubsub.pub_sub_use_multiproc && !is_broker)
                .then(|| pubsub.publisher_multiproc_socket.clone()),
            ring_bytes: kept.ring_bytes,
            snapshot_bytes: kept.snapshot_bytes,
            fanout_bytes: slot(settings, "drivers.zmtp", "fanout_log_bytes").unwrap_or(0),
            max_connections: slot::<usize>(settings, "drivers.zmtp", "max_connections").unwrap_or(0) as u64,
            dead_after: pubsub.dead_after,
            max_delay: agent.max_delay,
            applied_interval: agent.applied_interval,
            topics: agent.topics,
            database: is_used.then(|| pubsub.nb_db_class.clone()),
            database_file: slot::<PathBuf>(settings, "drivers.sqlite", "path")
                .filter(|_| is_used && pubsub.nb_db_class == "sqlite_nb_db_driver")
                .map(|path| pubsub.state_dir.join(path)),
            publisher_timeout: rows.publisher_timeout,
            report_interval: rows.report_interval,
            service_down_time: rows.service_down_time,
            token_files: [service.operations_token_file, agent.operations_token_file],
            ..Self::default()
        })
    }
}

fn mechanism(settings: &Settings) -> Option<String> {
    let is_zmtp = settings.pubsub().pub_sub_driver == "zmtp_pubsub_driver";
    let chosen = slot::<String>(settings, "drivers.zmtp", "mechanism").filter(|_| is_zmtp)?;
    Some(chosen.to_uppercase())
}

fn slot<T: FromValue>(settings: &Settings, section: &str, name: &str) -> Option<T> {
    let named =
        settings.slots().iter().find(|slot| slot.setting.section == section && slot.setting.name == name)?;
    T::from_value(&named.value)
}
