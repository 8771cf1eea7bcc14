use tokio::sync::mpsc;

use crate::TableId;
use crate::calls::RunId;
use crate::service::argument_item::ArgumentItem;
use crate::service::call::Call;

/// What a node hands to a service.
#[derive(Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "almost all inputs are calls, and a box would cost each an allocation"
)]
pub(crate) enum ServiceInput {
    /// Run a method.
    Run {
        /// The number under which the result is reported.
        run: RunId,
        /// The call.
        call: Call,
        /// The parts of its arguments, if it has any.
        arguments: Option<mpsc::Receiver<ArgumentItem>>,
    },
    /// The caller waits no more.
    Cancel(RunId),
    /// A table has its first subscriber.
    FirstSubscriber(TableId),
    /// A table has no subscriber any more.
    NoSubscriber(TableId),
}
