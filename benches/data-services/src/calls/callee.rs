use clap::Args;
use data_services::Call;
use pubsub_api::Result;
use serde_json::json;
use service_kit::print_line;

use crate::nodes::{endpoint, join};
use crate::orders::Orders;

/// A node with the service `bench`, whose method `echo` returns its argument.
#[derive(Debug, Args)]
pub(crate) struct Callee {}

impl Callee {
    pub(crate) async fn play(self) -> Result<()> {
        let node = join("callee", 0, None).await?;
        let echo = |call: Call| async move { Ok(call.json().clone()) };
        node.service("bench").method("echo", echo).start().await?;
        print_line(json!({"ready": endpoint(&node).await?}));
        Orders::new().end().await?;
        node.leave().await;
        Ok(())
    }
}
