use std::time::Duration;

use sealing::PacketSealing;

use crate::{AccessRules, BusId, Instance, NodeId};

/// How a node takes part in a bus.
///
/// ```
/// use data_services::NodeOptions;
///
/// let options = NodeOptions::new("node-1")?.bus("bus")?.seed("tcp://192.0.2.1:8870");
/// assert_eq!(options.node.as_str(), "node-1");
/// # Ok::<(), pubsub_api::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct NodeOptions {
    /// The bus; nodes of other buses are invisible. Default: `bus`, as in Congress.
    pub bus: BusId,
    /// The name of the node, unique on its bus.
    pub node: NodeId,
    /// The endpoints of nodes to join by, for drivers without a broker; one that can be reached is enough. A node skips its
    /// own endpoint, and starts alone if none can be reached, while it keeps trying.
    pub seeds: Vec<String>,
    /// The endpoint by which others connect to this node; by default the one that the driver binds. Set it if that is a
    /// wildcard address.
    pub advertise: Option<String>,
    /// The interval of heartbeats, ± 10 %. Default: 1 s, as in Congress.
    pub heartbeat: Duration,
    /// A peer that is silent for this long is suspect: calls to it still wait, its tables count as stale. Default: 3 s.
    pub suspect_after: Duration,
    /// A peer that is silent for this long is down: its services and subscriptions end, calls to it fail. Default: 5 s, the
    /// `ping_timeout` of Congress.
    pub down_after: Duration,
    /// How long the rows of a publisher that is down stay readable, as stale, before they are removed. Default: 120 s, the
    /// `long_timeout` of Congress.
    pub forget_after: Duration,
    /// The deadline of a call that names none. Default: 60 s, as in Congress.
    pub call_timeout: Duration,
    /// The largest table, in bytes of its rows as JSON; a larger one is refused. Default: 64 MiB.
    pub table_bytes: usize,
    /// The number of updates that may wait for the reader of one subscription; when there are more, they are dropped and the
    /// reader gets the whole table instead. Default: 1,024.
    pub subscription_updates: usize,
    /// The number of calls that run at one service at the same time; more are refused as overloaded. Default: 256.
    pub service_calls: usize,
    /// Which nodes may publish, subscribe and call. Default: all may do everything.
    pub access: AccessRules,
    /// How packets are sealed and opened. Default: they are sent and accepted as they are, and whoever reaches the driver can read
    /// and forge them.
    pub sealing: Option<PacketSealing>,
    /// Which start of the node it is, for runs that are to be repeated exactly: an instance that no other start has, and a
    /// [boot time](crate::NodeInstance::boot) after every number that the earlier start used. Default: a random instance, and
    /// the time of the wall clock.
    pub start: Option<(Instance, u64)>,
}

impl NodeOptions {
    /// The defaults, for a node of this name.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`](pubsub_api::ErrorKind::Invalid) for an invalid name.
    pub fn new(node: impl Into<String>) -> pubsub_api::Result<Self> {
        Ok(Self {
            bus: BusId::new("bus")?,
            node: NodeId::new(node.into())?,
            seeds: Vec::new(),
            advertise: None,
            heartbeat: Duration::from_secs(1),
            suspect_after: Duration::from_secs(3),
            down_after: Duration::from_secs(5),
            forget_after: Duration::from_secs(120),
            call_timeout: Duration::from_secs(60),
            table_bytes: 64 * 1024 * 1024,
            subscription_updates: 1024,
            service_calls: 256,
            access: AccessRules::default(),
            sealing: None,
            start: None,
        })
    }

    /// Sets the bus.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`](pubsub_api::ErrorKind::Invalid) for an invalid name.
    pub fn bus(mut self, bus: impl Into<String>) -> pubsub_api::Result<Self> {
        self.bus = BusId::new(bus.into())?;
        Ok(self)
    }

    /// Adds a seed.
    #[must_use]
    pub fn seed(mut self, endpoint: impl Into<String>) -> Self {
        self.seeds.push(endpoint.into());
        self
    }
}
