use std::time::Duration;

use data_services::{Address, BusId, NodeId, ServiceId};
use serde::Deserialize;

use crate::driver_settings::DriverSettings;
use crate::duration_option;

/// The options of the kind `bridge`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct BridgeOptions {
    pub(super) bus: BusId,
    pub(super) settings: DriverSettings,
    #[serde(default)]
    pub(super) seeds: Vec<String>,
    #[serde(default)]
    pub(super) node: Option<NodeId>,
    #[serde(default)]
    pub(super) advertise: Option<String>,
    #[serde(default)]
    pub(super) import: Option<MirrorOptions>,
    #[serde(default)]
    pub(super) export: Option<MirrorOptions>,
    #[serde(default = "default_interval", deserialize_with = "duration_option::read")]
    pub(super) interval: Duration,
}

/// What is mirrored in one direction.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct MirrorOptions {
    /// What precedes each name and address, with a dot between.
    pub(super) prefix: ServiceId,
    /// The services, by name.
    #[serde(default = "every_service")]
    pub(super) services: Vec<Address>,
}

impl BridgeOptions {
    /// Whether a bridge with other options joins the same bus in the same way.
    pub(super) fn joins_as(&self, other: &Self) -> bool {
        (&self.bus, &self.settings, &self.seeds, &self.node, &self.advertise)
            == (&other.bus, &other.settings, &other.seeds, &other.node, &other.advertise)
    }
}

impl MirrorOptions {
    /// Whether a service is mirrored under this name.
    pub(super) fn want(&self, source: &ServiceId, mirror: &ServiceId) -> bool {
        let is_under_prefix = mirror
            .as_str()
            .strip_prefix(self.prefix.as_str())
            .and_then(|rest| rest.strip_prefix('.'))
            .is_some_and(|name| name == source.as_str());
        let name = Address::from(source);
        is_under_prefix && self.services.iter().any(|pattern| pattern.reaches(&name))
    }
}

fn default_interval() -> Duration {
    Duration::from_secs(10)
}

fn every_service() -> Vec<Address> {
    Address::new("#").into_iter().collect()
}
