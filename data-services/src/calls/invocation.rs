use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{IdempotencyKey, MethodId, ServiceId, TraceId};

/// What a call runs, and its caller.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Invocation {
    /// The service that calls.
    pub(crate) caller: ServiceId,
    /// The service.
    pub(crate) service: ServiceId,
    /// The method.
    pub(crate) method: MethodId,
    /// Calls of one service with one key run once.
    pub(crate) key: Option<IdempotencyKey>,
    /// The number of parts that may be on their way to the caller; 0 for a call with one result.
    pub(crate) window: u64,
    /// The trace that the call belongs to.
    #[serde(default)]
    pub(crate) trace: Option<TraceId>,
    /// Whether the caller sends parts after the arguments.
    #[serde(default)]
    pub(crate) sends_parts: bool,
}

/// `nova/list`.
impl fmt::Display for Invocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.service, self.method)
    }
}
