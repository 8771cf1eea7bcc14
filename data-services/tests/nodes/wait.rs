use std::future::Future;
use std::time::Duration;

use data_services::{Node, TableEvent, TableSubscription};
use pubsub_api::Error;

/// How long a test waits for anything, even on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Waits until a check holds.
pub(crate) async fn until<Fut: Future<Output = bool>>(what: &str, mut holds: impl FnMut() -> Fut) {
    let waiting = async {
        while !holds().await {
            // The pause between two checks of a condition.
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    assert!(tokio::time::timeout(PATIENCE, waiting).await.is_ok(), "timed out after {PATIENCE:?}: {what}");
}

/// The reason for which a node ends.
pub(crate) async fn ended(node: &Node) -> Error {
    let ended = tokio::time::timeout(PATIENCE, node.ended()).await;
    ended.expect("the node ends within the patience")
}

/// The next event of a subscription.
pub(crate) async fn next_event(subscription: &mut TableSubscription) -> TableEvent {
    let next = tokio::time::timeout(PATIENCE, subscription.next()).await;
    next.expect("an event within the patience").expect("the subscription goes on")
}

/// The next event of a subscription that concerns rows.
pub(crate) async fn next_rows(subscription: &mut TableSubscription) -> TableEvent {
    loop {
        let event = next_event(subscription).await;
        if !matches!(event, TableEvent::Live { .. } | TableEvent::Stale { .. }) {
            return event;
        }
    }
}
