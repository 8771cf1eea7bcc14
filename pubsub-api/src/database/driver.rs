use std::sync::Arc;

use super::{DatabaseCapabilities, DbApi};
use crate::Result;
use crate::settings::{Setting, Settings};

/// The entry that a database driver submits to the registry.
///
/// ```
/// use pubsub_api::database::{DatabaseCapabilities, DatabaseDriver};
/// use pubsub_api::{Error, ErrorKind, Registry};
///
/// inventory::submit! {
///     DatabaseDriver {
///         alias: "example_db_driver",
///         summary: "opens nothing, to show how a database driver is registered",
///         capabilities: DatabaseCapabilities::NONE,
///         settings: &[],
///         open: |_| Err(Error::new(ErrorKind::Unsupported, "an example opens nothing")),
///     }
/// }
/// assert!(Registry::collect()?.find_database("example_db_driver").is_ok());
/// # Ok::<(), Error>(())
/// ```
#[derive(Debug)]
pub struct DatabaseDriver {
    /// The name that the settings use.
    pub alias: &'static str,
    /// One sentence for lists.
    pub summary: &'static str,
    /// What it promises.
    pub capabilities: DatabaseCapabilities,
    /// The settings of its own section, `[drivers.<name>]`.
    pub settings: &'static [Setting],
    /// Creates the driver. It checks settings and touches neither network nor file system.
    pub open: fn(&Settings) -> Result<Arc<dyn DbApi>>,
}

inventory::collect!(DatabaseDriver);
