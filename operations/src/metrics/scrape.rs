use std::collections::BTreeMap;

use pubsub_api::{LatencyReading, Status};

use super::metric::Metric;
use super::source::{Fact, FromCounter, Sample, Source};

/// What one reading of a program has for its metrics.
#[derive(Debug)]
pub(crate) struct Scrape {
    pub(crate) program: String,
    pub(crate) version: String,
    pub(crate) is_ready: bool,
    pub(crate) uptime_seconds: f64,
    pub(crate) parts: BTreeMap<String, Status>,
}

/// The values of a metric.
#[derive(Debug)]
pub(crate) enum Values {
    Samples(Vec<Sample>),
    Latencies(Option<LatencyReading>),
}

impl Scrape {
    /// The values of a metric of this program.
    pub(crate) fn values(&self, metric: &Metric) -> Values {
        let samples = match metric.source {
            Source::Counters(from) => self.counters(from),
            Source::Depth(part, queue) => self.queue(part, queue, |depth, _| depth),
            Source::Bound(part, queue) => self.queue(part, queue, |_, bound| bound),
            Source::Depths => self.queues(|depth, _| depth),
            Source::Bounds => self.queues(|_, bound| bound),
            Source::PeersByState(part, states) => self.peers(part, states),
            Source::Named(part, name) => self.named(part, name),
            Source::Latencies(part, name) => {
                let all = self.parts.get(part).into_iter().flat_map(|status| &status.latencies);
                return Values::Latencies(all.into_iter().find(|reading| reading.name == name).cloned());
            }
            Source::Fact(fact) => vec![self.fact(fact)],
        };
        Values::Samples(samples)
    }

    fn fact(&self, fact: Fact) -> Sample {
        let plain = |value| Sample { labels: Vec::new(), value };
        match fact {
            Fact::Build => Sample { labels: vec![self.program.clone(), self.version.clone()], value: 1.0 },
            Fact::Uptime => plain(self.uptime_seconds),
            Fact::Readiness => plain(f64::from(u8::from(self.is_ready))),
        }
    }

    /// The counters, and zeros for the causes that have not occurred. A part that this program does not have has neither.
    fn counters(&self, from: &[FromCounter]) -> Vec<Sample> {
        let mut sums: BTreeMap<Vec<String>, f64> = BTreeMap::new();
        for from in from {
            let Some(status) = self.parts.get(from.part) else { continue };
            for cause in from.causes {
                sums.entry(from.labels_with(cause)).or_default();
            }
            for reading in status.counters.iter().filter(|reading| from.is_of(reading)) {
                let labels = from.labels_with(reading.cause.as_deref().unwrap_or_default());
                *sums.entry(labels).or_default() += float(reading.value) * from.scale;
            }
        }
        sums.into_iter().map(|(labels, value)| Sample { labels, value }).collect()
    }

    fn queue(&self, part: &str, queue: &str, pick: fn(u64, u64) -> u64) -> Vec<Sample> {
        let queues = self.parts.get(part).into_iter().flat_map(|status| &status.queues);
        let found = queues.into_iter().find(|reading| reading.name == queue);
        let sample = found
            .map(|reading| Sample { labels: Vec::new(), value: float(pick(reading.depth, reading.bound)) });
        sample.into_iter().collect()
    }

    fn queues(&self, pick: fn(u64, u64) -> u64) -> Vec<Sample> {
        let all =
            self.parts.iter().flat_map(|(part, status)| status.queues.iter().map(move |queue| (part, queue)));
        let mut samples: BTreeMap<Vec<String>, f64> = BTreeMap::new();
        for (part, queue) in all {
            let labels = vec![part.clone(), queue.name.clone(), queue.unit.clone()];
            *samples.entry(labels).or_default() += float(pick(queue.depth, queue.bound));
        }
        samples.into_iter().map(|(labels, value)| Sample { labels, value }).collect()
    }

    fn peers(&self, part: &str, states: &[&str]) -> Vec<Sample> {
        let Some(status) = self.parts.get(part) else { return Vec::new() };
        let of_state = |state: &&str| {
            let number = status.peers.iter().filter(|peer| peer.state == *state).count();
            Sample {
                labels: vec![(*state).to_owned()],
                value: float(u64::try_from(number).unwrap_or(u64::MAX)),
            }
        };
        states.iter().map(of_state).collect()
    }

    fn named(&self, part: &str, name: &str) -> Vec<Sample> {
        let Some(status) = self.parts.get(part) else { return Vec::new() };
        match status.named.iter().find(|reading| reading.name == name) {
            Some(reading) => {
                let values = reading.values.iter();
                values
                    .map(|named| Sample { labels: vec![named.of.clone()], value: float(named.value) })
                    .collect()
            }
            None => {
                let all = vec![pubsub_api::NamedCounters::OTHER.to_owned()];
                vec![Sample { labels: all, value: float(status.counter(name, None)) }]
            }
        }
    }
}

/// Exact up to 2⁵³, as all values in Prometheus.
#[expect(clippy::cast_precision_loss, reason = "Prometheus has only floating-point values")]
pub(crate) fn float(value: u64) -> f64 {
    value as f64
}
