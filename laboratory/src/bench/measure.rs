use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bench_kit::{Clock, LatencyHistogram, ProcessUsage};
use publisher_client::PublisherClient;
use pubsub_api::settings::Settings;
use pubsub_api::{Error, ErrorKind, Registry, Result};
use service_kit::SettingsArguments;

use super::drain::{Drain, DrainWork};
use super::figures::Figures;
use super::ledger::{Faults, Ledger};
use super::progress::Progress;
use super::pusher::Pusher;
use super::report::Run;
use super::service::{Service, ServiceKind, Surroundings};

/// The parameters of one run.
#[derive(Debug, Clone)]
pub(super) struct Case {
    pub(super) kind: ServiceKind,
    pub(super) subscribers: usize,
    pub(super) events: u64,
    pub(super) window: u64,
    pub(super) value_bytes: usize,
    pub(super) latency_events: u64,
    pub(super) latency_interval: Duration,
}

/// The result of a run.
#[derive(Debug)]
pub(super) struct Outcome {
    pub(super) run: Run,
    pub(super) latencies: LatencyHistogram,
}

/// The timeout for connecting; subscribers retry within 5 s.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(20);

/// The interval of probes to a peer that sends no hello.
const PROBE_INTERVAL: Duration = Duration::from_millis(50);

impl Case {
    /// The number of events before the measurement, so that connecting and first allocations do not count.
    fn warm_up(&self) -> u64 {
        (self.events / 20).clamp(1, 2000)
    }

    fn events_of_all_parts(&self) -> u64 {
        self.warm_up() + self.events + self.latency_events
    }

    /// The length of the progress bar.
    pub(super) fn length(&self) -> u64 {
        self.events_of_all_parts()
    }

    /// Starts all processes, measures, and ends all processes.
    ///
    /// # Errors
    /// Any error of a process or connection. Missing and wrong events are not errors, but faults of the run.
    pub(super) async fn measure(
        &self,
        registry: &Registry,
        arguments: &SettingsArguments,
        folder: &Path,
        progress: &Arc<Progress>,
    ) -> Result<Outcome> {
        let (settings, _) = arguments.load(registry)?;
        let surroundings = Surroundings { registry, settings: &settings, arguments, folder };
        let (service, endpoint) = Service::start(&self.kind, surroundings).await?;
        let client = Arc::new(PublisherClient::open(&settings)?);
        client.initialize().await?;
        let endpoint = endpoint.or_else(|| client.endpoint());
        let endpoint = endpoint
            .ok_or_else(|| Error::new(ErrorKind::Internal, "the publisher has no endpoint to connect to"))?;
        let clock = Clock::start();
        let drains = self.drains(registry, &settings, &endpoint, clock, progress).await?;
        let mut pusher = Pusher::new(Arc::clone(&client), self.value_bytes, clock);
        self.connect(&mut pusher, progress).await?;

        let speed = self.as_fast_as_possible(&mut pusher, progress, service.pid()).await?;
        let pusher = pusher.pace(self.latency_events, self.latency_interval).await?;
        progress.reach(pusher.sent()).await?;

        let peak =
            service.pid().and_then(|pid| ProcessUsage::of(pid).memory().ok()).map(|memory| memory.peak_bytes);
        let mut ledgers = Vec::with_capacity(drains.len());
        for drain in drains {
            ledgers.push(drain.end().await?);
        }
        client.close().await?;
        service.end(&settings).await?;
        self.outcome(&speed, peak, &ledgers)
    }

    async fn drains(
        &self,
        registry: &Registry,
        settings: &Settings,
        endpoint: &str,
        clock: Clock,
        progress: &Arc<Progress>,
    ) -> Result<Vec<Drain>> {
        let mut drains = Vec::with_capacity(self.subscribers);
        for number in 0..self.subscribers {
            let work = DrainWork {
                number,
                progress: Arc::clone(progress),
                ledger: Ledger::new(self.warm_up() + self.events)?,
                clock,
                value_bytes: self.value_bytes,
            };
            drains.push(Drain::start(registry, settings, endpoint, work).await?);
        }
        Ok(drains)
    }

    /// Waits until all subscribers are connected: by their notices if the service sends hellos, otherwise by probes.
    async fn connect(&self, pusher: &mut Pusher, progress: &Progress) -> Result<()> {
        let connected = if matches!(self.kind, ServiceKind::Peer(_)) {
            let mut left = CONNECT_TIMEOUT.as_millis() / PROBE_INTERVAL.as_millis();
            loop {
                pusher.probe().await?;
                left -= 1;
                let connected = progress.all_connected(PROBE_INTERVAL).await;
                if connected || left == 0 {
                    break connected;
                }
            }
        } else {
            progress.all_connected(CONNECT_TIMEOUT).await
        };
        if connected {
            return Ok(());
        }
        let text = format!("not all {} subscribers connected within {CONNECT_TIMEOUT:?}", self.subscribers);
        Err(Error::new(ErrorKind::Unavailable, text))
    }

    async fn as_fast_as_possible(
        &self,
        pusher: &mut Pusher,
        progress: &Progress,
        pid: Option<u32>,
    ) -> Result<Speed> {
        pusher.burst(self.warm_up(), self.window, progress).await?;
        let cpu_time = || ProcessUsage::of(pid?).cpu_time().ok();
        let before = cpu_time();
        let took = pusher.burst(self.events, self.window, progress).await?;
        let after = cpu_time();
        Ok(Speed { took, service_cpu: after.zip(before).map(|(after, before)| after.saturating_sub(before)) })
    }

    fn outcome(&self, speed: &Speed, peak: Option<u64>, ledgers: &[Ledger]) -> Result<Outcome> {
        let mut faults = Faults::default();
        let mut latencies = LatencyHistogram::new()?;
        for ledger in ledgers {
            faults.add(ledger.faults(self.events_of_all_parts()));
            latencies.add(ledger.latencies())?;
        }
        let deliveries = self.events as f64 * self.subscribers as f64;
        let figures = Figures {
            events_per_second: self.events as f64 / speed.took.as_secs_f64(),
            deliveries_per_second: deliveries / speed.took.as_secs_f64(),
            service_cpu_us_per_delivery: speed.service_cpu.map(|cpu| cpu.as_secs_f64() * 1e6 / deliveries),
            service_peak_rss_mib: peak.map(|bytes| bytes as f64 / 1024.0 / 1024.0),
            latency_us: latencies.latency(),
        };
        Ok(Outcome { run: Run { figures, faults }, latencies })
    }
}

/// The result of the throughput part.
#[derive(Debug)]
struct Speed {
    took: Duration,
    service_cpu: Option<Duration>,
}
