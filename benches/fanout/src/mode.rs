//! The modes: the load of a run, and what it measures.

mod latency;
mod memory;
mod throughput;

use std::time::Duration;

use pubsub_api::Result;

use crate::contender::{Contender, Kind, Programs};
use crate::figure::{Figure, Figures};
use crate::session::Moment;

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Mode {
    /// Every subscriber receives everything, at full speed
    Throughput,
    /// Every subscriber receives everything, at a low rate
    Latency,
    /// Many idle subscribers; then some of them never read, at full load
    Memory,
    /// 1,000 topics, 20 of them for each subscriber, at full speed
    Topics,
}

/// The durations and the rate of a run.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Timing {
    pub(crate) warm_up: Duration,
    /// Measured time at full speed.
    pub(crate) full: Duration,
    /// Measured time at the low rate.
    pub(crate) paced: Duration,
    /// Events per second at the low rate.
    pub(crate) rate: u32,
    /// Subscribers that never read, in [`Mode::Memory`].
    pub(crate) stalled: usize,
}

impl Mode {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Throughput => "throughput",
            Self::Latency => "latency",
            Self::Memory => "memory",
            Self::Topics => "topics",
        }
    }

    /// The default numbers of subscribers.
    pub(crate) fn subscribers(self) -> &'static [usize] {
        match self {
            Self::Throughput => &[1, 10, 100, 500],
            Self::Latency => &[1, 100, 500],
            Self::Memory => &[1000],
            Self::Topics => &[50, 500, 2000],
        }
    }

    /// The figures in its table, the main one first.
    pub(crate) fn figures(self) -> &'static [Figure] {
        match self {
            Self::Throughput => &[
                Figure::DELIVERIES,
                Figure::EVENTS,
                Figure::CPU_DELIVERY,
                Figure::CORES,
                Figure::RSS,
                Figure::PEAK_RSS,
            ],
            Self::Latency => {
                &[Figure::P50, Figure::P99, Figure::P999, Figure::MAX, Figure::CPU_DELIVERY, Figure::CORES]
            }
            Self::Memory => &[
                Figure::PEAK_RSS,
                Figure::IDLE_RSS,
                Figure::RSS,
                Figure::DELIVERIES,
                Figure::CPU_DELIVERY,
                Figure::CUT,
            ],
            Self::Topics => &[
                Figure::EVENTS,
                Figure::CPU_EVENT,
                Figure::FANOUT,
                Figure::DELIVERIES,
                Figure::CPU_DELIVERY,
                Figure::CORES,
            ],
        }
    }

    /// Whether this kind of server supports the mode. Raw writes neither select topics nor handle subscribers that do not read.
    pub(crate) fn suits(self, kind: Kind) -> bool {
        kind != Kind::Raw || matches!(self, Self::Throughput | Self::Latency)
    }

    /// Executes one run.
    pub(crate) fn run(
        self,
        (contender, programs): (&Contender, &Programs),
        subscribers: usize,
        timing: Timing,
    ) -> Result<Figures> {
        let server = (contender, programs);
        match self {
            Self::Throughput => throughput::run(server, throughput::single(subscribers), timing),
            Self::Latency => latency::run(server, subscribers, timing),
            Self::Memory => memory::run(server, subscribers, timing),
            Self::Topics => throughput::run(server, throughput::topics(subscribers), timing),
        }
    }
}

/// Limit of deliveries in flight; the limit of events in flight is never lower than the next constant.
const DELIVERIES_UNDER_WAY: u64 = 20_000;
const EVENTS_UNDER_WAY: u64 = 200;

/// The largest lead of the pusher over the slowest subscriber, given the number of deliveries per event.
fn window(deliveries_per_event: u64) -> u64 {
    (DELIVERIES_UNDER_WAY / deliveries_per_event.max(1)).max(EVENTS_UNDER_WAY)
}

/// The throughput and the cost for the server between two moments.
fn between(begin: Moment, end: Moment) -> Figures {
    let seconds = end.at.duration_since(begin.at).as_secs_f64();
    let (delivered, pushed) = ((end.delivered - begin.delivered) as f64, (end.pushed - begin.pushed) as f64);
    let cpu = end.cpu.saturating_sub(begin.cpu).as_secs_f64();
    Figures::from([
        (Figure::DELIVERIES.key, delivered / seconds),
        (Figure::EVENTS.key, pushed / seconds),
        (Figure::FANOUT.key, delivered / pushed),
        (Figure::CPU_DELIVERY.key, cpu * 1e6 / delivered),
        (Figure::CPU_EVENT.key, cpu * 1e6 / pushed),
        (Figure::CORES.key, cpu / seconds),
    ])
}

fn mib(bytes: u64) -> f64 {
    bytes as f64 / 1024.0 / 1024.0
}
