use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bench_kit::{cannot, failure};
use bytes::Bytes;
use clap::Args;
use pubsub_api::Result;
use serde_json::{Value, json};
use service_kit::print_line;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use super::SUBJECT;
use super::client::{Client, publish};
use super::message::Received;
use crate::calls::round;
use crate::orders::Orders;

/// A client of NATS that makes requests.
#[derive(Debug, Args)]
pub(crate) struct NatsCaller {
    #[arg(long)]
    server: SocketAddr,
}

/// The deadline of a request: that of a call of ours.
const DEADLINE: Duration = Duration::from_secs(60);

/// What the requests share: one inbox, whose last word is the number of the request.
#[derive(Debug)]
struct Requests {
    out: mpsc::Sender<Bytes>,
    next: AtomicU64,
    waiting: Mutex<HashMap<u64, oneshot::Sender<Bytes>>>,
}

impl NatsCaller {
    pub(crate) async fn play(self) -> Result<()> {
        let mut client = Client::connect(self.server, "_INBOX.bench.*").await?;
        let (out, waiting) = (client.out(), Mutex::default());
        let requests = Arc::new(Requests { out, next: AtomicU64::new(0), waiting });
        let mut orders = Orders::new();
        print_line(json!({"ready": true}));
        tokio::select! {
            ended = make_rounds(&mut orders, &requests) => ended,
            ended = requests.take_replies(&mut client) => ended,
        }
    }
}

async fn make_rounds(orders: &mut Orders, requests: &Arc<Requests>) -> Result<()> {
    while let Some(round) = orders.next::<round::Orders>().await? {
        let argument = Arc::new(round.argument());
        let requests = Arc::clone(requests);
        let request = move || {
            let (requests, argument) = (Arc::clone(&requests), Arc::clone(&argument));
            async move { requests.request(&argument).await }
        };
        round.carry_out(request).await?;
    }
    Ok(())
}

impl Requests {
    async fn request(&self, argument: &Value) -> Result<()> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let (reply, replied) = oneshot::channel();
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).insert(number, reply);
        let message = publish(SUBJECT, &format!("_INBOX.bench.{number}"), argument.to_string().as_bytes());
        self.out.send(message).await.map_err(cannot("write to NATS"))?;
        let replied = timeout(DEADLINE, replied).await.map_err(cannot("wait longer for a reply"))?;
        let payload = replied.map_err(cannot("receive a reply"))?;
        let result: Value = serde_json::from_slice(&payload).map_err(cannot("read a reply"))?;
        if result == *argument { Ok(()) } else { Err(failure(format!("the reply is {result}"))) }
    }

    async fn take_replies(&self, client: &mut Client) -> Result<()> {
        loop {
            if let Received::Message { subject, payload, .. } = client.next().await? {
                let number = std::str::from_utf8(&subject).ok().and_then(|text| text.rsplit('.').next());
                let number = number.and_then(|text| text.parse().ok()).unwrap_or(u64::MAX);
                let waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner).remove(&number);
                // It may have given up.
                let _ = waiting.map(|reply| reply.send(payload));
            }
        }
    }
}
