use std::sync::Arc;
use std::time::Duration;

use publisher_client::PublisherClient;
use pubsub_api::Route;
use serde_json::json;
use service_kit::WriteQueue;
use tokio::task::JoinHandle;

/// The interval at which the number of confirmed events is read.
const INTERVAL: Duration = Duration::from_millis(50);

/// Writes the number of confirmed events to stdout when it has changed: `{"confirmed":17}`.
pub(super) struct Progress {
    client: Arc<PublisherClient>,
    route: Route,
    output: Arc<WriteQueue>,
    task: JoinHandle<()>,
}

impl Progress {
    /// Starts to write.
    pub(super) fn start(client: Arc<PublisherClient>, route: Route) -> Self {
        let output = Arc::new(WriteQueue::stdout());
        let task = tokio::spawn(follow(Arc::clone(&client), route, Arc::clone(&output)));
        Self { client, route, output, task }
    }

    /// Writes the final number. A reader that has gone is not a failure.
    pub(super) async fn end(self) {
        self.task.abort();
        write(&self.output, confirmed(&self.client, self.route));
        let _ = self.output.written().await;
    }
}

/// The number of events that the service acknowledged or the broker accepted. Subscribers confirm none.
pub(super) fn confirmed(client: &PublisherClient, route: Route) -> u64 {
    let counter = match route {
        Route::Broker(_) => "events_published",
        Route::Service(_) => "events_acknowledged",
        Route::Bind(_) => return 0,
    };
    client.status().counter(counter, None)
}

async fn follow(client: Arc<PublisherClient>, route: Route, output: Arc<WriteQueue>) {
    let mut written = 0;
    loop {
        tokio::time::sleep(INTERVAL).await;
        let now = confirmed(&client, route);
        if now != written {
            write(&output, now);
            written = now;
        }
    }
}

fn write(output: &WriteQueue, events: u64) {
    output.offer_line(&json!({ "confirmed": events }).to_string());
}
