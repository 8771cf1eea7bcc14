//! Calls between two processes, beside request and reply of NATS, in turns.

mod callee;
mod caller;
pub(crate) mod nats;
mod round;

use std::path::Path;

use bench_kit::{Latency, Scratch, Spread, grouped, median, table};
use pubsub_api::Result;
use serde_json::{Value, json};
use service_kit::report;

pub(crate) use callee::Callee;
pub(crate) use caller::Caller;
use nats::NatsServer;
use round::{Orders, Round};

use crate::options::Arguments;
use crate::player::Player;

/// Calls by one engine: latencies one at a time, and the rate at each depth.
struct Side {
    latency: Vec<Latency>,
    rates: Vec<Vec<f64>>,
}

pub(crate) async fn measure(arguments: &Arguments) -> Result<Value> {
    let empty = || Side { latency: Vec::new(), rates: vec![Vec::new(); arguments.depths.len()] };
    let (mut ours, mut nats) = (empty(), empty());
    let mut nats_version = String::new();
    for _ in 0..arguments.runs {
        let folder = Scratch::new("data-services-bench")?;
        ours_once(arguments, folder.path(), &mut ours).await?;
        let server = NatsServer::start(arguments.nats.as_deref(), folder.path()).await?;
        nats_version.clone_from(&server.version);
        nats_once(arguments, folder.path(), &server, &mut nats).await?;
    }
    let rates =
        arguments.depths.iter().zip(ours.rates.iter().zip(&nats.rates)).map(|(depth, (our, peer))| {
            let ratios = our.iter().zip(peer).map(|(our, peer)| our / peer).collect::<Vec<_>>();
            json!({
                "depth": depth,
                "per_second": Spread::of(our.clone()),
                "nats_per_second": Spread::of(peer.clone()),
                "ratio": median(ratios),
            })
        });
    let result = json!({
        "runs": arguments.runs,
        "payload_bytes": arguments.payload,
        "nats": nats_version,
        "one_at_a_time_us": Latency::medians(&ours.latency),
        "nats_one_at_a_time_us": Latency::medians(&nats.latency),
        "pipelined": rates.collect::<Vec<_>>(),
    });
    show(arguments, &ours, &nats);
    Ok(result)
}

async fn ours_once(arguments: &Arguments, folder: &Path, side: &mut Side) -> Result<()> {
    let mut callee = Player::start("callee", folder, "callee", &[])?;
    let seed = callee.text("ready").await?;
    let caller = Player::start("caller", folder, "caller", &[("seed", seed)])?;
    rounds(arguments, caller, side).await?;
    callee.end().await
}

async fn nats_once(arguments: &Arguments, folder: &Path, server: &NatsServer, side: &mut Side) -> Result<()> {
    let at = [("server", server.address.to_string())];
    let mut callee = Player::start("nats-callee", folder, "nats-callee", &at)?;
    callee.line("ready").await?;
    let caller = Player::start("nats-caller", folder, "nats-caller", &at)?;
    rounds(arguments, caller, side).await?;
    callee.end().await
}

/// The rounds of one caller: one that warms up, one at a time, and in a pipeline.
async fn rounds(arguments: &Arguments, mut caller: Player, side: &mut Side) -> Result<()> {
    caller.line("ready").await?;
    let payload = arguments.payload;
    Round::order(&mut caller, &Orders { calls: 2_000, depth: 8, payload }).await?;
    let single = Orders { calls: arguments.single_calls, depth: 1, payload };
    side.latency.push(Round::order(&mut caller, &single).await?.latency);
    for (depth, rates) in arguments.depths.iter().zip(&mut side.rates) {
        let orders = Orders { calls: arguments.calls, depth: *depth, payload };
        rates.push(Round::order(&mut caller, &orders).await?.per_second);
    }
    caller.end().await
}

fn show(arguments: &Arguments, ours: &Side, nats: &Side) {
    let latency = |side: &Side| format!("{:.0} µs", Latency::medians(&side.latency).p50);
    let mut rows = vec![vec!["p50, one at a time".to_owned(), latency(ours), latency(nats)]];
    for (depth, (our, peer)) in arguments.depths.iter().zip(ours.rates.iter().zip(&nats.rates)) {
        let rate = |rates: &Vec<f64>| grouped(median(rates.iter().copied()).unwrap_or_default(), 0);
        rows.push(vec![format!("calls/s, {depth} at a time"), rate(our), rate(peer)]);
    }
    report(format_args!("{}", table(["calls", "Skimmer", "NATS"], rows, 0)));
}
