use std::future::Future;
use std::time::Duration;

use data_services::{CallError, ServiceHandle};
use serde_json::Value as Json;

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

/// Calls a method, again while the service is not known yet or is starting.
pub(crate) async fn call(
    caller: &ServiceHandle,
    service: &str,
    method: &str,
    arguments: Json,
) -> Result<Json, CallError> {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    loop {
        let result = caller.call(service, method, arguments.clone()).await;
        let is_early = result.as_ref().is_err_and(|error| {
            let text = error.to_string();
            text.contains("no service listens") || text.contains("starting again") || text.contains("stopped")
        });
        if !is_early || tokio::time::Instant::now() > deadline {
            return result;
        }
        // The pause between two checks of a condition.
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Waits until the status of a service is as a check asks.
pub(crate) async fn status_until(
    caller: &ServiceHandle,
    service: &str,
    what: &str,
    holds: impl Fn(&Json) -> bool,
) -> Json {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    loop {
        let status = call(caller, service, "status", Json::Null).await;
        if let Ok(status) = &status
            && holds(status)
        {
            return status.clone();
        }
        assert!(tokio::time::Instant::now() < deadline, "timed out: {what}: {status:?}");
        // The pause between two checks of a condition.
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Whether the last error in a status contains a text.
pub(crate) fn has_error(status: &Json, text: &str) -> bool {
    status["last_error"].as_str().is_some_and(|error| error.contains(text))
}
