use std::collections::BTreeMap;
use std::sync::Arc;

use pubsub_api::Status;

/// Reads the status of every part of a program.
pub type ReadParts = Arc<dyn Fn() -> BTreeMap<String, Status> + Send + Sync>;
