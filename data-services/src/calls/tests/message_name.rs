use crate::calls::CallMessage;

/// The name of a message, for tables of tests.
pub(super) fn name(message: &CallMessage) -> &'static str {
    match message {
        CallMessage::Open => "open",
        CallMessage::Request(_) => "request",
        CallMessage::Query { .. } => "query",
        CallMessage::Cancel { .. } => "cancel",
        CallMessage::Settled { .. } => "settled",
        CallMessage::Credit(_) => "credit",
        CallMessage::Part { .. } => "part",
        CallMessage::Argument { .. } => "argument",
        CallMessage::ArgumentsEnd { .. } => "arguments end",
        CallMessage::ArgumentCredit(_) => "argument credit",
        CallMessage::Session(_) => "session",
        CallMessage::NoSession => "no session",
        CallMessage::Accepted { .. } => "accepted",
        CallMessage::Progress { .. } => "progress",
        CallMessage::Result { .. } => "result",
    }
}
