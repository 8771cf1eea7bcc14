use serde_json::Value as Json;

use crate::{CallError, NodeId, ServiceId};

/// The result of one callee.
#[derive(Debug, Clone, PartialEq)]
pub struct CallResult {
    /// The node of the callee.
    pub node: NodeId,
    /// The service.
    pub service: ServiceId,
    /// What it returned.
    pub result: Result<Json, CallError>,
}
