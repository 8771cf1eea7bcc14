use std::path::Path;
use std::process::Stdio;

use bench_kit::LatencyHistogram;
use pubsub_api::{Error, ErrorKind, Result};
use serde::Deserialize;
use tokio::process::Command;

use super::figures::Figures;
use super::ledger::Faults;
use super::measure::{Case, Outcome};
use super::report::Run;

/// The output of another complete system after one run.
#[derive(Debug, Deserialize)]
struct PeerResult {
    /// The time from the first send to the last arrival of the throughput part.
    seconds: f64,
    service_cpu_seconds: f64,
    service_peak_rss_bytes: f64,
    #[serde(flatten)]
    faults: Faults,
    /// The latency of every delivery of the latency part.
    latencies_us: Vec<f64>,
}

impl Case {
    /// Runs a command that measures another complete system under the same load. The command is split at white space; its
    /// arguments are subscribers, events, bytes of the value, events per second and events of the latency part.
    ///
    /// # Errors
    /// [`ErrorKind::Unavailable`] if it cannot be started or fails; its stderr has the reason.
    pub(super) async fn measure_whole(&self, command: &str, folder: &Path) -> Result<Outcome> {
        let failed = |what: &str| Error::new(ErrorKind::Unavailable, format!("`{command}`: {what}"));
        let mut words = command.split_whitespace();
        let program = words.next().ok_or_else(|| failed("the command is empty"))?;
        let rate = 1.0 / self.latency_interval.as_secs_f64();
        let ended = Command::new(program)
            .args(words)
            .args([self.subscribers.to_string(), self.events.to_string(), self.value_bytes.to_string()])
            .args([rate.to_string(), self.latency_events.to_string()])
            // Files that it leaves are removed with the folder of this bench.
            .env("TMPDIR", folder)
            .stdin(Stdio::null())
            .stderr(Stdio::inherit())
            .kill_on_drop(true)
            .output()
            .await
            .map_err(|error| failed("cannot start it").with_source(error))?;
        if !ended.status.success() {
            return Err(failed(&format!("it exited with {}", ended.status)));
        }
        let reported: PeerResult = serde_json::from_slice(&ended.stdout)
            .map_err(|error| failed("its output is not a valid measurement").with_source(error))?;
        reported.outcome(self.events as f64, self.subscribers as f64)
    }
}

impl PeerResult {
    fn outcome(&self, events: f64, subscribers: f64) -> Result<Outcome> {
        let mut latencies = LatencyHistogram::new()?;
        for us in &self.latencies_us {
            latencies.record_ns((us * 1000.0) as u64);
        }
        let figures = Figures {
            events_per_second: events / self.seconds,
            deliveries_per_second: events * subscribers / self.seconds,
            service_cpu_us_per_delivery: Some(self.service_cpu_seconds * 1e6 / (events * subscribers)),
            service_peak_rss_mib: Some(self.service_peak_rss_bytes / 1024.0 / 1024.0),
            latency_us: latencies.latency(),
        };
        Ok(Outcome { run: Run { figures, faults: self.faults }, latencies })
    }
}

#[cfg(test)]
mod tests {
    use super::PeerResult;

    #[test]
    fn the_output_of_a_peer_becomes_the_same_figures_as_ours() {
        let reported: PeerResult = serde_json::from_str(
            r#"{"seconds": 2, "service_cpu_seconds": 1, "service_peak_rss_bytes": 1048576, "missing": 0,
                "out_of_place": 3, "unreadable": 0, "latencies_us": [10, 30, 20]}"#,
        )
        .unwrap();
        let run = reported.outcome(1000.0, 10.0).unwrap().run;
        assert_eq!((run.figures.events_per_second, run.figures.deliveries_per_second), (500.0, 5000.0));
        assert_eq!(run.figures.service_cpu_us_per_delivery, Some(100.0));
        assert_eq!(run.faults.out_of_place, 3);
        assert!((run.figures.latency_us.p50 - 20.0).abs() < 0.1);
    }
}
