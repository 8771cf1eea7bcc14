//! Services: what a node runs, and what their code acts through.

mod argument_item;
mod builder;
mod call;
mod call_item;
mod call_options;
mod call_result;
mod call_stream;
mod call_upload;
mod calling;
mod delivery;
mod dispatcher;
mod event_queue;
mod handle;
mod instance_choice;
mod leadership;
mod method;
mod part_reader;
mod part_sender;
mod service_input;
mod subscribe_options;
mod subscribing_node;
mod subscription_id;
mod table_subscription;
mod transaction;

pub use builder::ServiceBuilder;
pub use call::Call;
pub use call_options::CallOptions;
pub use call_result::CallResult;
pub use call_stream::CallStream;
pub use call_upload::CallUpload;
pub use delivery::Delivery;
pub use handle::ServiceHandle;
pub use instance_choice::InstanceChoice;
pub use leadership::Leadership;
pub use subscribe_options::SubscribeOptions;
pub use subscribing_node::SubscribingNode;
pub use subscription_id::SubscriptionId;
pub use table_subscription::TableSubscription;
pub use transaction::Transaction;

pub(crate) use argument_item::{ArgumentItem, NewArgument};
pub(crate) use call::Handler;
pub(crate) use call_item::CallItem;
pub(crate) use event_queue::EventQueue;
pub(crate) use part_sender::NewPart;
pub(crate) use service_input::ServiceInput;
