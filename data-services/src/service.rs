//! Services: what a node runs, and what their code acts through.

mod builder;
mod call;
mod call_options;
mod call_result;
mod dispatcher;
mod event_queue;
mod handle;
mod service_input;
mod subscribe_options;
mod subscription_id;
mod table_subscription;
mod transaction;

pub use builder::ServiceBuilder;
pub use call::Call;
pub use call_options::CallOptions;
pub use call_result::CallResult;
pub use handle::ServiceHandle;
pub use subscribe_options::SubscribeOptions;
pub use subscription_id::SubscriptionId;
pub use table_subscription::TableSubscription;
pub use transaction::Transaction;

pub(crate) use call::Handler;
pub(crate) use event_queue::EventQueue;
pub(crate) use service_input::ServiceInput;
