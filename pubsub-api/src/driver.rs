use std::fmt::Debug;
use std::sync::Arc;

use serde::Serialize;

use crate::settings::{Setting, Settings};
use crate::{Capabilities, Publisher, Result, Subscriber};

/// A driver, created from settings: one publisher and one subscriber.
///
/// Network and multiproc drivers implement the same traits. Creating either end opens nothing and starts nothing:
/// `initialize` does.
///
/// Both ends are made from the same settings. A program uses the end of its side: a service publishes on the network
/// hop and subscribes on the multiproc hop.
pub trait PubSubApi: Debug + Send + Sync {
    /// Returns the sending end.
    fn publisher(&self) -> Arc<dyn Publisher>;

    /// Returns the receiving end.
    fn subscriber(&self) -> Arc<dyn Subscriber>;
}

/// The hop that a driver serves (docs/design.md#the-path-of-an-event).
///
/// ```
/// use pubsub_api::Role;
///
/// assert_eq!(Role::Network.setting(), "pub_sub_driver");
/// assert_eq!(Role::Multiproc.setting(), "pub_sub_multiproc_driver");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// One publisher, many subscribers: service to agents. The publisher binds, subscribers connect.
    Network,
    /// Many publishers, one subscriber: workers to service. The subscriber binds, publishers connect.
    Multiproc,
}

impl Role {
    /// Returns the name of the role for messages.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Network => "network",
            Self::Multiproc => "multiproc",
        }
    }

    /// Returns the name of the setting that selects the driver of this role.
    #[must_use]
    pub fn setting(self) -> &'static str {
        match self {
            Self::Network => "pub_sub_driver",
            Self::Multiproc => "pub_sub_multiproc_driver",
        }
    }
}

/// The entry that a driver submits to the registry.
///
/// ```
/// use pubsub_api::{Capabilities, Driver, Error, ErrorKind, Registry, Role};
///
/// inventory::submit! {
///     Driver {
///         alias: "example_driver",
///         roles: &[Role::Network],
///         summary: "opens nothing, to show how a driver is registered",
///         capabilities: Capabilities::NONE,
///         settings: &[],
///         open: |_, _| Err(Error::new(ErrorKind::Unsupported, "an example opens nothing")),
///     }
/// }
/// assert!(Registry::collect()?.find("example_driver", Role::Network).is_ok());
/// # Ok::<(), Error>(())
/// ```
#[derive(Debug)]
pub struct Driver {
    /// The name that the settings use.
    pub alias: &'static str,
    /// The hops that it can serve. [`Registry::find`](crate::Registry::find) refuses the alias for another one.
    pub roles: &'static [Role],
    /// One sentence for lists.
    pub summary: &'static str,
    /// What it promises.
    pub capabilities: Capabilities,
    /// The settings of its own section, `[drivers.<name>]`; empty if it has none. Two aliases of one driver share
    /// one table.
    pub settings: &'static [Setting],
    /// Creates the driver for one hop. It checks settings and touches neither network nor file system.
    pub open: fn(&Settings, Role) -> Result<Arc<dyn PubSubApi>>,
}

inventory::collect!(Driver);
