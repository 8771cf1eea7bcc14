use super::source::Source;

/// A metric of `/metrics`: its name, its help, and where its values come from. [`metrics`](crate::metrics()) returns all of them.
#[derive(Debug, Clone, Copy)]
pub struct Metric {
    /// The name without the prefix `skimmer_`, and without the `_total` of a counter.
    pub(crate) name: &'static str,
    pub(crate) kind: MetricKind,
    /// The labels, in the order of their values.
    pub(crate) labels: &'static [&'static str],
    pub(crate) program: MetricProgram,
    pub(crate) help: &'static str,
    pub(crate) source: Source,
}

/// What a metric measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MetricKind {
    /// A number that only rises, from the start of the process.
    Counter,
    /// A number that rises and falls.
    Gauge,
    /// Latencies in buckets.
    Histogram,
}

/// Which program has a metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MetricProgram {
    /// The publisher service.
    Service,
    /// The agent.
    Agent,
    /// Both.
    Both,
}

/// The prefix of all names.
pub(crate) const PREFIX: &str = "skimmer";

impl Metric {
    /// The name under which Prometheus stores it: `skimmer_gaps_detected_total`. A histogram has series with the endings
    /// `_bucket`, `_sum` and `_count` instead.
    #[must_use]
    pub fn full_name(&self) -> String {
        let ending = if self.kind == MetricKind::Counter { "_total" } else { "" };
        format!("{PREFIX}_{}{ending}", self.name)
    }

    /// The names of its labels.
    #[must_use]
    pub fn labels(&self) -> &'static [&'static str] {
        self.labels
    }

    /// What it measures.
    #[must_use]
    pub fn kind(&self) -> MetricKind {
        self.kind
    }

    /// Whether a program has it: `publisher-service` or `subscriber-agent`.
    #[must_use]
    pub fn is_of(&self, program: &str) -> bool {
        match self.program {
            MetricProgram::Service => program == "publisher-service",
            MetricProgram::Agent => program == "subscriber-agent",
            MetricProgram::Both => true,
        }
    }
}
