use bench_kit::Machine;
use serde::Serialize;

use crate::figure::{Better, Figure, Figures, least, median, most, over_runs};
use crate::mode::Mode;
use crate::options::Arguments;
use crate::payload::VALUE_BYTES;

/// All results of a bench, which `--save` writes.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Report {
    pub(crate) machine: Machine,
    pub(crate) servers: Vec<Server>,
    pub(crate) load: Load,
    pub(crate) points: Vec<Point>,
}

/// One of the servers.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Server {
    pub(crate) name: String,
    pub(crate) what: &'static str,
    pub(crate) version: String,
    pub(crate) settings: Vec<String>,
    /// Whether it counts for the ratios to the best peer.
    pub(crate) is_peer: bool,
}

/// The load, which is the same for all servers.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Load {
    pub(crate) value_bytes: usize,
    pub(crate) runs: u32,
    pub(crate) warm_up_seconds: f64,
    pub(crate) seconds: f64,
    pub(crate) latency_seconds: f64,
    pub(crate) latency_rate_per_second: u32,
    pub(crate) stalled: usize,
}

/// The runs of one server with one number of subscribers.
#[derive(Debug, Clone)]
pub(crate) struct Measured {
    pub(crate) mode: &'static str,
    pub(crate) subscribers: usize,
    pub(crate) server: String,
    pub(crate) runs: Vec<Figures>,
}

/// The comparison of these runs.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Point {
    pub(crate) mode: &'static str,
    pub(crate) subscribers: usize,
    pub(crate) server: String,
    pub(crate) median: Figures,
    pub(crate) least: Figures,
    pub(crate) most: Figures,
    /// Factors by which it is better than the best of the other peers, each figure separately.
    pub(crate) times_best_peer: Figures,
    /// Factors by which it is better than raw writes.
    pub(crate) times_raw: Figures,
    pub(crate) runs: Vec<Figures>,
}

impl Report {
    pub(crate) fn new(
        machine: Machine,
        servers: Vec<Server>,
        arguments: &Arguments,
        measured: Vec<Measured>,
    ) -> Self {
        let timing = arguments.timing();
        let load = Load {
            value_bytes: VALUE_BYTES,
            runs: arguments.runs,
            warm_up_seconds: timing.warm_up.as_secs_f64(),
            seconds: timing.full.as_secs_f64(),
            latency_seconds: timing.paced.as_secs_f64(),
            latency_rate_per_second: timing.rate,
            stalled: timing.stalled,
        };
        let mut points: Vec<Point> = measured.into_iter().map(Point::new).collect();
        let peers: Vec<&str> =
            servers.iter().filter(|one| one.is_peer).map(|one| one.name.as_str()).collect();
        let plain = points.clone();
        for point in &mut points {
            point.compare(&plain, &peers);
        }
        Self { machine, servers, load, points }
    }

    /// The measurements of a mode, by number of subscribers.
    pub(crate) fn of(&self, mode: Mode) -> impl Iterator<Item = &Point> {
        self.points.iter().filter(move |point| point.mode == mode.name())
    }
}

impl Point {
    fn new(measured: Measured) -> Self {
        let Measured { mode, subscribers, server, runs } = measured;
        Self {
            mode,
            subscribers,
            server,
            median: over_runs(&runs, median),
            least: over_runs(&runs, least),
            most: over_runs(&runs, most),
            times_best_peer: Figures::new(),
            times_raw: Figures::new(),
            runs,
        }
    }

    fn compare(&mut self, all: &[Self], peers: &[&str]) {
        const RAW: &str = "raw";
        for mode in [Mode::Throughput, Mode::Latency, Mode::Memory, Mode::Topics] {
            for figure in mode.figures().iter().filter(|_| mode.name() == self.mode) {
                let others = all.iter().filter(|other| {
                    (other.mode, other.subscribers) == (self.mode, self.subscribers)
                        && other.server != self.server
                });
                let (raw, others): (Vec<&Self>, Vec<&Self>) = others.partition(|other| other.server == RAW);
                let rivals = others.iter().filter(|other| peers.contains(&other.server.as_str()));
                let best = best(*figure, rivals.filter_map(|rival| rival.median.get(figure.key).copied()));
                let raw = raw.first().and_then(|raw| raw.median.get(figure.key).copied());
                let Some(own) = self.median.get(figure.key).copied() else { continue };
                let times = |other: Option<f64>| figure.times_better(own, other?);
                self.times_best_peer.extend(times(best).map(|times| (figure.key, times)));
                self.times_raw.extend(times(raw).map(|times| (figure.key, times)));
            }
        }
    }
}

fn best(figure: Figure, values: impl Iterator<Item = f64>) -> Option<f64> {
    match figure.better {
        Better::More => values.reduce(f64::max),
        Better::Less => values.reduce(f64::min),
        Better::Neither => None,
    }
}

#[cfg(test)]
pub(crate) mod tests;
