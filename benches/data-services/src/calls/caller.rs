use std::sync::Arc;

use bench_kit::{cannot, failure};
use clap::Args;
use data_services::ServiceHandle;
use pubsub_api::Result;
use serde_json::{Value, json};
use service_kit::print_line;

use super::round;
use crate::nodes::{join, until};
use crate::orders::Orders;

/// A node that calls the method of the callee.
#[derive(Debug, Args)]
pub(crate) struct Caller {
    #[arg(long)]
    seed: String,
}

impl Caller {
    pub(crate) async fn play(self) -> Result<()> {
        let node = join("caller", 0, Some(&self.seed)).await?;
        let service = node.service("caller").start().await?;
        let is_known = |name: &str| name == "bench";
        until("the callee", &node, |report| report.services.iter().any(|one| is_known(one.service.as_str())))
            .await?;
        print_line(json!({"ready": true}));
        let mut orders = Orders::new();
        while let Some(round) = orders.next::<round::Orders>().await? {
            let argument = Arc::new(round.argument());
            let service = service.clone();
            round.carry_out(move || call(service.clone(), Arc::clone(&argument))).await?;
        }
        node.leave().await;
        Ok(())
    }
}

async fn call(service: ServiceHandle, argument: Arc<Value>) -> Result<()> {
    let result = service.call("bench", "echo", &*argument).await.map_err(cannot("call"))?;
    if result == *argument { Ok(()) } else { Err(failure(format!("the result is {result}"))) }
}
