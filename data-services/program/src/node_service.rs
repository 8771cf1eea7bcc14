use data_services::{CallError, CallErrorKind, Node};
use pubsub_api::Result;
use serde_json::Value as Json;

/// The hidden service that every node of [`run`](crate::run) has: its method `report` returns the report of the node.
pub const NODE_SERVICE: &str = "_node";

/// Starts the service on a node.
pub(crate) async fn serve_report(node: &Node) -> Result<()> {
    let reported = node.clone();
    let report = move |_| {
        let node = reported.clone();
        async move { report(&node).await }
    };
    node.service(NODE_SERVICE).method("report", report).start().await.map(drop)
}

async fn report(node: &Node) -> std::result::Result<Json, CallError> {
    let report = node.report().await?;
    serde_json::to_value(report).map_err(|error| {
        CallError::new(CallErrorKind::Remote, format!("the report cannot be encoded: {error}"))
    })
}
