use std::fmt;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;
use pubsub_api::LatencyReading;

use super::catalog::metrics;
use super::metric::{Metric, MetricKind, PREFIX};
use super::scrape::{Scrape, Values, float};
use super::source::Sample;

/// The media type of the text.
pub(crate) const MEDIA_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Writes all metrics of a program as OpenMetrics text.
///
/// # Errors
/// That of the encoder, which does not fail for a text in memory.
pub(crate) fn exposition(scrape: Scrape) -> Result<String, fmt::Error> {
    let mut registry = Registry::with_prefix(PREFIX);
    registry.register_collector(Box::new(OfProgram(scrape)));
    let mut text = String::new();
    encode(&mut text, &registry)?;
    Ok(text)
}

#[derive(Debug)]
struct OfProgram(Scrape);

impl Collector for OfProgram {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        for metric in metrics().filter(|metric| metric.is_of(&self.0.program)) {
            match self.0.values(metric) {
                Values::Samples(samples) => encode_samples(&mut encoder, metric, &samples)?,
                Values::Latencies(Some(latencies)) => encode_latencies(&mut encoder, metric, &latencies)?,
                Values::Latencies(None) => {}
            }
        }
        Ok(())
    }
}

fn encode_samples(
    encoder: &mut DescriptorEncoder<'_>,
    metric: &Metric,
    samples: &[Sample],
) -> Result<(), fmt::Error> {
    if samples.is_empty() {
        return Ok(());
    }
    let kind = match metric.kind {
        MetricKind::Counter => MetricType::Counter,
        MetricKind::Gauge | MetricKind::Histogram => MetricType::Gauge,
    };
    let mut family = encoder.encode_descriptor(metric.name, metric.help, None, kind)?;
    for Sample { labels, value } in samples {
        let labels: Vec<(&str, &str)> =
            metric.labels.iter().copied().zip(labels.iter().map(String::as_str)).collect();
        let series = family.encode_family(&labels)?;
        match metric.kind {
            MetricKind::Counter => ConstCounter::new(*value).encode(series)?,
            MetricKind::Gauge | MetricKind::Histogram => ConstGauge::new(*value).encode(series)?,
        }
    }
    Ok(())
}

fn encode_latencies(
    encoder: &mut DescriptorEncoder<'_>,
    metric: &Metric,
    latencies: &LatencyReading,
) -> Result<(), fmt::Error> {
    let mut below = 0;
    let buckets: Vec<(f64, u64)> = latencies
        .buckets
        .iter()
        .map(|bucket| {
            let bound = bucket.le_us.map_or(f64::INFINITY, |le_us| float(le_us) / MICROSECONDS);
            let count = bucket.count.saturating_sub(below);
            below = bucket.count;
            (bound, count)
        })
        .collect();
    let mut family = encoder.encode_descriptor(metric.name, metric.help, None, MetricType::Histogram)?;
    let sum = float(latencies.sum_us) / MICROSECONDS;
    family.encode_histogram::<NoLabelSet>(sum, latencies.count(), &buckets, None)
}

/// In a second.
const MICROSECONDS: f64 = 1e6;
