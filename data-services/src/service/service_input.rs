use crate::TableId;
use crate::calls::RunId;
use crate::service::call::Call;

/// What a node hands to a service.
#[derive(Debug)]
pub(crate) enum ServiceInput {
    /// Run a method.
    Run {
        /// The number under which the result is reported.
        run: RunId,
        /// The call.
        call: Call,
    },
    /// The caller waits no more.
    Cancel(RunId),
    /// A table has its first subscriber.
    FirstSubscriber(TableId),
    /// A table has no subscriber any more.
    NoSubscriber(TableId),
}
