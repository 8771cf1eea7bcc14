use std::time::Duration;

use bench_kit::{LatencyHistogram, failure};
use pubsub_api::Result;

use super::{Timing, between, throughput};
use crate::connection::Latencies;
use crate::contender::{Contender, Programs};
use crate::figure::{Figure, Figures};
use crate::session::{self, Load};

/// Pushes at a low rate: warm-up, then the measured part. Every delivery counts.
pub(super) fn run(server: (&Contender, &Programs), subscribers: usize, timing: Timing) -> Result<Figures> {
    let interval = Duration::from_secs(1) / timing.rate;
    let events = |period: Duration| (period.as_secs_f64() * f64::from(timing.rate)).round() as u64;
    let (warm_up, measured) = (events(timing.warm_up), events(timing.paced).max(1));
    let histogram = LatencyHistogram::new()?;
    let latencies = Some(Latencies { from: warm_up, histogram });
    let load = Load { latencies, ..throughput::single(subscribers) };
    let (mut figures, drained) = session::run(server, load, |session| {
        session.pusher.pace(warm_up, interval)?;
        let begin = session.watch().moment()?;
        session.pusher.pace(measured, interval)?;
        Ok(between(begin, session.watch().moment()?))
    })?;
    let Some(Latencies { histogram, .. }) = drained.latencies else {
        return Err(failure("the drains have no latencies: a defect of the bench"));
    };
    let wanted = measured * subscribers as u64;
    if histogram.count() != wanted {
        return Err(failure(format!("expected {wanted} latencies, got {}", histogram.count())));
    }
    let latency = histogram.latency();
    figures.insert(Figure::P50.key, latency.p50);
    figures.insert(Figure::P99.key, latency.p99);
    figures.insert(Figure::P999.key, latency.p999);
    figures.insert(Figure::MAX.key, latency.max);
    Ok(figures)
}
