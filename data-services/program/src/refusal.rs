use data_services::Node;
use pubsub_api::{Error, ErrorKind};

/// Returns why a node that has ended was refused; `None` if it ended for another reason.
pub(crate) async fn refusal(ended: &Node) -> Option<Error> {
    let error = ended.ended().await;
    (error.kind() == ErrorKind::AlreadyExists).then(|| error.context("the node is no longer on the bus"))
}
