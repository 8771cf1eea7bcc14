use bench_kit::Machine;
use clap::Parser;

use super::{Measured, Report, Server};
use crate::figure::{Figure, Figures};
use crate::mode::Mode;
use crate::options::CommandLine;

/// Three servers, ours with two runs, with 1 and with 100 subscribers.
pub(crate) fn example() -> Report {
    let server = |name: &str, is_peer| Server {
        name: name.to_owned(),
        what: "something",
        version: "1".to_owned(),
        settings: Vec::new(),
        is_peer,
    };
    let servers = vec![server("ours & only", false), server("theirs", true), server("raw", false)];
    let figures = |deliveries, cpu| {
        Figures::from([(Figure::DELIVERIES.key, deliveries), (Figure::CPU_DELIVERY.key, cpu)])
    };
    let mut measured = Vec::new();
    for subscribers in [1, 100] {
        let mut put = |server: &str, runs| {
            let server = server.to_owned();
            measured.push(Measured { mode: Mode::Throughput.name(), subscribers, server, runs });
        };
        put("ours & only", vec![figures(7e6, 0.1), figures(9e6, 0.1)]);
        put("theirs", vec![figures(2e6, 0.5)]);
        put("raw", vec![figures(16e6, 0.05)]);
    }
    let arguments = CommandLine::parse_from(["fanout-bench"]).bench;
    Report::new(Machine::this(), servers, &arguments, measured)
}

#[test]
fn ratios_are_to_the_best_peer_and_to_raw() {
    let report = example();
    let ours = report.of(Mode::Throughput).find(|point| point.server == "ours & only").unwrap();
    assert_eq!(ours.median[Figure::DELIVERIES.key], 8e6);
    assert_eq!(ours.times_best_peer[Figure::DELIVERIES.key], 4.0);
    assert_eq!(ours.times_raw[Figure::DELIVERIES.key], 0.5);
    assert_eq!(ours.times_best_peer[Figure::CPU_DELIVERY.key], 5.0);
    let theirs = report.of(Mode::Throughput).find(|point| point.server == "theirs").unwrap();
    assert!(theirs.times_best_peer.is_empty(), "there is no other peer");
}
