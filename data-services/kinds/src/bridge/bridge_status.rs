use data_services::{NodeInstance, ServiceId};
use serde::Serialize;

use crate::ServiceStatus;

/// What the method `status` of a bridge returns.
#[derive(Debug, Clone, Serialize)]
pub(super) struct BridgeStatus {
    /// When the registries were compared, and what cannot be mirrored.
    #[serde(flatten)]
    pub(super) status: ServiceStatus,
    /// The node of the bridge on the other bus, while it is there.
    pub(super) node: Option<NodeInstance>,
    /// The mirrors on this bus.
    pub(super) imported: Vec<ServiceId>,
    /// The mirrors on the other bus.
    pub(super) exported: Vec<ServiceId>,
}
