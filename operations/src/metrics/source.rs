use pubsub_api::CounterReading;

/// Where the values of a metric come from: parts of the status.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Source {
    /// Counters, each with its label values. Those with equal values are added up.
    Counters(&'static [FromCounter]),
    /// The depth of a queue of a part, by name.
    Depth(&'static str, &'static str),
    /// The bound of a queue of a part, by name.
    Bound(&'static str, &'static str),
    /// The depth of every queue.
    Depths,
    /// The bound of every queue.
    Bounds,
    /// The number of peers of a part in each of these states. Other states are not counted.
    PeersByState(&'static str, &'static [&'static str]),
    /// Counters by topic or table, of a part, by name. Where a part has no such counters, its counter of that name without
    /// cause stands for all.
    Named(&'static str, &'static str),
    /// Latencies of a part, by name.
    Latencies(&'static str, &'static str),
    /// What is not in the status.
    Fact(Fact),
}

/// What a program is.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Fact {
    /// 1, with the program and its version.
    Build,
    /// The time since its start.
    Uptime,
    /// Whether it is ready.
    Readiness,
}

/// A counter of the status, and the labels that it gets.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FromCounter {
    pub(crate) part: &'static str,
    pub(crate) counter: &'static str,
    /// The cause that a reading must have, if it must have one.
    pub(crate) only: Option<&'static str>,
    /// The values of the labels; [`CAUSE`] stands for the cause of the reading.
    pub(crate) labels: &'static [&'static str],
    /// The causes that have the value 0 before they occur: an alert on an increase needs a value before the first one.
    pub(crate) causes: &'static [&'static str],
    /// The unit of the counter in units of the metric.
    pub(crate) scale: f64,
}

/// Stands for the cause of a reading.
pub(crate) const CAUSE: &str = "{cause}";

/// A value with its label values.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Sample {
    pub(crate) labels: Vec<String>,
    pub(crate) value: f64,
}

/// A counter without labels.
pub(crate) const fn plain(part: &'static str, counter: &'static str) -> FromCounter {
    FromCounter { part, counter, only: None, labels: &[], causes: &[], scale: 1.0 }
}

/// A counter with these label values, among them maybe [`CAUSE`], and with the causes that may occur.
pub(crate) const fn labelled(
    part: &'static str,
    counter: &'static str,
    labels: &'static [&'static str],
    causes: &'static [&'static str],
) -> FromCounter {
    FromCounter { labels, causes, ..plain(part, counter) }
}

impl FromCounter {
    /// Only the reading of this cause.
    pub(crate) const fn only(self, cause: &'static str) -> Self {
        Self { only: Some(cause), ..self }
    }

    /// The value times `scale`.
    pub(crate) const fn times(self, scale: f64) -> Self {
        Self { scale, ..self }
    }

    /// The label values of a reading with this cause.
    pub(crate) fn labels_with(&self, cause: &str) -> Vec<String> {
        let value = |label: &&str| if *label == CAUSE { cause } else { label }.to_owned();
        self.labels.iter().map(value).collect()
    }

    /// Whether a reading is one of these.
    pub(crate) fn is_of(&self, reading: &CounterReading) -> bool {
        reading.name == self.counter && self.only.is_none_or(|only| reading.cause.as_deref() == Some(only))
    }
}
