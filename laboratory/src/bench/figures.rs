use bench_kit::{Latency, median};
use serde::Serialize;

/// The figures of one run, or the median of each figure over several runs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Figures {
    /// Events per second through the service, at the highest rate.
    pub(super) events_per_second: f64,
    /// Events per second times the number of subscribers.
    pub(super) deliveries_per_second: f64,
    /// CPU time of the service for one delivery to one subscriber, in µs; `None` if the service is not a separate process.
    pub(super) service_cpu_us_per_delivery: Option<f64>,
    /// The peak resident memory of the service, in MiB; `None` as above.
    pub(super) service_peak_rss_mib: Option<f64>,
    /// The time from the intended send to the arrival, at a fixed rate, in µs.
    pub(super) latency_us: Latency,
}

impl Figures {
    pub(super) fn medians(all: &[Self]) -> Self {
        let of = |figure: fn(&Self) -> Option<f64>| median(all.iter().filter_map(figure));
        let latencies: Vec<Latency> = all.iter().map(|one| one.latency_us).collect();
        Self {
            events_per_second: of(|one| Some(one.events_per_second)).unwrap_or_default(),
            deliveries_per_second: of(|one| Some(one.deliveries_per_second)).unwrap_or_default(),
            service_cpu_us_per_delivery: of(|one| one.service_cpu_us_per_delivery),
            service_peak_rss_mib: of(|one| one.service_peak_rss_mib),
            latency_us: Latency::medians(&latencies),
        }
    }
}
