use std::collections::BTreeMap;

use serde::Serialize;

use super::NoticeJournal;
use crate::metrics::{Metric, Scrape, Values, metrics};

/// What was lost or went wrong, by cause, since the start of the program.
#[derive(Debug, Default)]
pub(super) struct Losses {
    known: BTreeMap<(&'static str, Vec<String>), Loss>,
}

/// One cause, as the page reads it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Loss {
    /// The metric.
    name: &'static str,
    /// Its labels with their values: `hop network, cause slow_subscriber`.
    labels: String,
    total: f64,
    /// When it rose last.
    at_ms: u64,
}

/// The metrics that count losses and troubles. The page leaves out those that have never risen.
const LOSSES: [&str; 9] = [
    "events_dropped",
    "slow_subscribers",
    "gaps_detected",
    "resyncs",
    "links_lost",
    "handshake_failures",
    "forwarder_restarts",
    "ring_write_failures",
    "database_failures",
];

/// What an agent reports as notices with topic and reason: its counters would repeat that.
const NOTED_OTHERWISE: [&str; 3] = ["gaps_detected", "resyncs", "links_lost"];

/// The cause of events that an agent reports as gaps.
const MISSING: &str = "missing";

impl Losses {
    /// Takes the reading of this second, and notes what has risen.
    pub(super) fn take(&mut self, scrape: &Scrape, journal: &NoticeJournal, now_ms: u64) {
        let watched = metrics().filter(|metric| LOSSES.contains(&metric.name));
        for metric in watched.filter(|metric| metric.is_of(&scrape.program)) {
            let Values::Samples(samples) = scrape.values(metric) else { continue };
            for sample in samples.into_iter().filter(|sample| sample.value > 0.0) {
                self.note(metric, sample.labels, sample.value, journal, now_ms);
            }
        }
    }

    fn note(
        &mut self,
        metric: &Metric,
        values: Vec<String>,
        total: f64,
        journal: &NoticeJournal,
        now_ms: u64,
    ) {
        let labels = metric.labels().iter().zip(&values).map(|(label, value)| format!("{label} {value}"));
        let labels: Vec<String> = labels.collect();
        let is_noted = NOTED_OTHERWISE.contains(&metric.name) || values.iter().any(|value| value == MISSING);
        let loss = self.known.entry((metric.name, values)).or_insert_with(|| Loss {
            name: metric.name,
            labels: labels.join(", "),
            total: 0.0,
            at_ms: now_ms,
        });
        let rise = total - loss.total;
        if rise > 0.0 {
            (loss.total, loss.at_ms) = (total, now_ms);
            if !is_noted {
                let what = metric.name.replace('_', " ");
                let of = if loss.labels.is_empty() { String::new() } else { format!(": {}", loss.labels) };
                journal.note_at("loss", &format!("{what}{of}"), whole(rise), now_ms);
            }
        }
    }

    /// All causes that have occurred, the latest first.
    pub(super) fn read(&self) -> Vec<Loss> {
        let mut all: Vec<Loss> = self.known.values().cloned().collect();
        all.sort_by_key(|loss| std::cmp::Reverse(loss.at_ms));
        all
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a counter is not negative, and `as` saturates"
)]
fn whole(rise: f64) -> u64 {
    rise.round() as u64
}

#[cfg(test)]
mod tests {
    use super::{LOSSES, NOTED_OTHERWISE};
    use crate::metrics::metrics;

    #[test]
    fn every_loss_of_the_page_is_a_metric() {
        for name in LOSSES.iter().chain(&NOTED_OTHERWISE) {
            assert!(metrics().any(|metric| metric.name == *name), "{name}");
        }
    }
}
