use sealing::PacketSealing;

use crate::BusId;

/// How a node is connected to its bus.
#[derive(Debug, Clone)]
pub(crate) struct BusOptions {
    /// The bus.
    pub(crate) bus: BusId,
    /// Whether the driver has a [broker](pubsub_api::Capabilities::broker): then no node connects to another.
    pub(crate) is_broker: bool,
    /// The endpoint at which other nodes reach this one, if it differs from the one that the driver binds. Port 0 stands
    /// for the bound port.
    pub(crate) advertise: Option<String>,
    /// How packets are sealed and opened; absent if they are sent and accepted as they are.
    pub(crate) sealing: Option<PacketSealing>,
}
