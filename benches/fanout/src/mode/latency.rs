use std::time::Duration;

use hdrhistogram::Histogram;
use pubsub_api::Result;

use super::{Timing, between, throughput};
use crate::connection::Latencies;
use crate::contender::{Contender, Programs};
use crate::failure::{cannot, failure};
use crate::figure::{Figure, Figures};
use crate::session::{self, Load};

/// The longest latency that the histogram distinguishes.
const LONGEST_NS: u64 = 60_000_000_000;

/// Pushes at a low rate: warm-up, then the measured part. Every delivery counts.
pub(super) fn run(server: (&Contender, &Programs), subscribers: usize, timing: Timing) -> Result<Figures> {
    let interval = Duration::from_secs(1) / timing.rate;
    let events = |period: Duration| (period.as_secs_f64() * f64::from(timing.rate)).round() as u64;
    let (warm_up, measured) = (events(timing.warm_up), events(timing.paced).max(1));
    let histogram = Histogram::new_with_max(LONGEST_NS, 3).map_err(cannot("create a histogram"))?;
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
    if histogram.len() != wanted {
        return Err(failure(format!("expected {wanted} latencies, got {}", histogram.len())));
    }
    let us = |quantile| histogram.value_at_quantile(quantile) as f64 / 1e3;
    figures.insert(Figure::P50.key, us(0.5));
    figures.insert(Figure::P99.key, us(0.99));
    figures.insert(Figure::P999.key, us(0.999));
    figures.insert(Figure::MAX.key, histogram.max() as f64 / 1e3);
    Ok(figures)
}
