use std::net::SocketAddr;

use bench_kit::cannot;
use clap::Args;
use pubsub_api::Result;
use serde_json::{Value, json};
use service_kit::print_line;

use super::SUBJECT;
use super::client::{Client, publish};
use super::message::Received;
use crate::orders::Orders;

/// A client of NATS that replies to each request with its argument, in a task of its own, as our nodes run a method.
#[derive(Debug, Args)]
pub(crate) struct NatsCallee {
    #[arg(long)]
    server: SocketAddr,
}

impl NatsCallee {
    pub(crate) async fn play(self) -> Result<()> {
        let mut client = Client::connect(self.server, SUBJECT).await?;
        print_line(json!({"ready": true}));
        let mut orders = Orders::new();
        tokio::select! {
            ended = orders.end() => ended,
            ended = serve(&mut client) => ended,
        }
    }
}

async fn serve(client: &mut Client) -> Result<()> {
    loop {
        if let Received::Message { reply: Some(reply), payload, .. } = client.next().await? {
            let argument: Value = serde_json::from_slice(&payload).map_err(cannot("read a request"))?;
            let out = client.out();
            tokio::spawn(async move {
                let (reply, result) = (String::from_utf8_lossy(&reply), argument.to_string());
                // If the connection has ended, so has the run.
                let _ = out.send(publish(&reply, "", result.as_bytes())).await;
            });
        }
    }
}
