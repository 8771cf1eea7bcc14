use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use bench_kit::{Latency, LatencyHistogram, cannot, failure};
use pubsub_api::Result;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use service_kit::print_line;
use tokio::task::JoinSet;

use crate::player::{Player, number};

/// What a caller is ordered to do: a number of calls, of which `depth` wait for their results at the same time.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Orders {
    pub(crate) calls: usize,
    pub(crate) depth: usize,
    /// The size of the argument, in bytes.
    pub(crate) payload: usize,
}

/// What came of it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Round {
    pub(crate) per_second: f64,
    pub(crate) latency: Latency,
}

/// The time that one round may take.
const LIMIT: Duration = Duration::from_secs(15);

impl Orders {
    /// The argument of each call: text.
    pub(crate) fn argument(&self) -> Value {
        Value::from("x".repeat(self.payload))
    }

    /// Makes the calls, and prints what came of it. `call` makes one and checks its result.
    pub(crate) async fn carry_out<C, F>(&self, call: C) -> Result<()>
    where
        C: Fn() -> F + Clone + Send + 'static,
        F: Future<Output = Result<()>> + Send,
    {
        let next = Arc::new(AtomicUsize::new(0));
        let mut tasks: JoinSet<Result<LatencyHistogram>> = JoinSet::new();
        let (calls, began) = (self.calls, Instant::now());
        for _ in 0..self.depth {
            let (call, next) = (call.clone(), Arc::clone(&next));
            tasks.spawn(async move {
                let mut latencies = LatencyHistogram::new()?;
                while next.fetch_add(1, Ordering::Relaxed) < calls {
                    let since = Instant::now();
                    call().await?;
                    latencies.record_ns(u64::try_from(since.elapsed().as_nanos()).unwrap_or(u64::MAX));
                }
                Ok(latencies)
            });
        }
        let mut all = LatencyHistogram::new()?;
        let collect = async {
            while let Some(latencies) = tasks.join_next().await {
                all.add(&latencies.map_err(cannot("make calls"))??)?;
            }
            Ok(())
        };
        let ended: std::result::Result<Result<()>, _> = tokio::time::timeout(LIMIT, collect).await;
        ended.map_err(|_| failure(format!("{calls} calls did not end within {LIMIT:?}")))??;
        let seconds = began.elapsed().as_secs_f64();
        print_line(json!({
            "round": all.count(), "per_second": all.count() as f64 / seconds, "latency": all.latency(),
        }));
        Ok(())
    }
}

impl Round {
    /// Orders a round of a caller, and waits for its end.
    pub(crate) async fn order(caller: &mut Player, orders: &Orders) -> Result<Self> {
        caller.order(orders).await?;
        let line = caller.line("round").await?;
        if number(&line, "round")? < orders.calls as f64 {
            return Err(failure(format!("not all of {} calls were made: {line}", orders.calls)));
        }
        let latency = line.get("latency").cloned().unwrap_or_default();
        let at = |name| number(&latency, name);
        let latency = Latency {
            p50: at("p50")?,
            p90: at("p90")?,
            p99: at("p99")?,
            p999: at("p99.9")?,
            max: at("max")?,
        };
        Ok(Self { per_second: number(&line, "per_second")?, latency })
    }
}
