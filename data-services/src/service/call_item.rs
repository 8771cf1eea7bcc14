use serde_json::Value as Json;

use crate::CallError;

/// What a node hands to the reader of a call with parts.
#[derive(Debug)]
pub(crate) enum CallItem {
    /// The next part.
    Part(Json),
    /// The end.
    End(Result<Json, CallError>),
}
