use serde_json::Value as Json;
use tokio::sync::oneshot;

use crate::CallError;
use crate::node::Ticket;

/// What a node hands to a method whose arguments have parts.
#[derive(Debug)]
pub(crate) enum ArgumentItem {
    /// The next part.
    Part(Json),
    /// There are no more.
    End,
}

/// A part of the arguments of a call, and where to report that it is sent.
#[derive(Debug)]
pub(crate) struct NewArgument {
    pub(crate) ticket: Ticket,
    pub(crate) part: Json,
    pub(crate) reply: oneshot::Sender<Result<(), CallError>>,
}
