//! `skimmer bench`: measures throughput, latency and CPU time of a real publisher service.
//!
//! One pusher and N subscribers run in this process, the service in its own. The subscribers check the map, index and order of
//! each event, but keep no table, so that the figures describe the service and the drivers and not an agent.

mod bench_arguments;
mod contender;
mod drain;
mod figures;
mod ledger;
mod measure;
mod payload;
mod peer;
mod plot;
mod progress;
mod pusher;
mod report;
mod service;
mod table;
mod whole;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bench_kit::{LatencyHistogram, Machine, Scratch};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use pubsub_api::{Envelope, Error, ErrorKind, Registry, Result};
use tokio::signal::unix::{SignalKind, signal};

use service_kit::block_on;

pub use bench_arguments::BenchArguments;
use contender::Contender;
use figures::Figures;
use measure::{Case, Outcome};
use payload::EventMaker;
use progress::Progress;
use report::{Load, Point, Report, Run, Series};
use service::ServiceKind;

/// Measures, and prints the report as tables or as JSON.
///
/// # Errors
/// [`ErrorKind::Internal`] if events were lost, came twice or out of order; [`ErrorKind::Closed`] after SIGINT or SIGTERM; the
/// errors of the settings, the drivers and the processes that it starts.
pub fn run(arguments: &BenchArguments) -> Result<()> {
    arguments.log.start();
    let report = block_on(measure_or_stop(arguments))?;
    publish(arguments, &report)?;
    let faults = report.faults();
    if faults.is_empty() {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::Internal,
        format!(
            "every event should have come once and in order: {} are missing, {} came again or out of order, {} \
             could not be read",
            faults.missing, faults.out_of_place, faults.unreadable
        ),
    ))
}

fn publish(arguments: &BenchArguments, report: &Report) -> Result<()> {
    let json = serde_json::to_string_pretty(report);
    let json = json.map_err(|error| internal("cannot write the report", error))?;
    if arguments.json {
        println!("{json}");
    } else {
        for table in table::tables(report) {
            println!("{table}\n");
        }
    }
    if let Some(file) = &arguments.save {
        write(file, &format!("{json}\n"))?;
    }
    match &arguments.svg {
        Some(file) => write(file, &plot::svg(report)),
        None => Ok(()),
    }
}

/// Stops the measurement on a signal, with all processes that it has started.
async fn measure_or_stop(arguments: &BenchArguments) -> Result<Report> {
    let mut terminated = signal(SignalKind::terminate())
        .map_err(|error| internal("cannot install a signal handler", error))?;
    tokio::select! {
        report = Box::pin(measure_all(arguments)) => report,
        _ = tokio::signal::ctrl_c() => Err(Error::new(ErrorKind::Closed, "stopped")),
        _ = terminated.recv() => Err(Error::new(ErrorKind::Closed, "stopped")),
    }
}

async fn measure_all(arguments: &BenchArguments) -> Result<Report> {
    let registry = Registry::collect()?;
    let scratch = Scratch::new("bench")?;
    let contenders = contenders(arguments, &registry, scratch.path())?;
    let mut all: Vec<Series> = contenders
        .iter()
        .map(|(name, contender)| Series {
            name: name.clone(),
            what: contender.describe(),
            points: Vec::new(),
        })
        .collect();
    let machine = Machine::this();
    let mut bench = Bench { arguments, registry: &registry, folder: scratch.path(), run: 0 };
    for subscribers in arguments.subscribers() {
        for (series, point) in all.iter_mut().zip(bench.points(&contenders, subscribers).await?) {
            series.points.push(point);
        }
    }
    Ok(Report::new(machine, load(arguments)?, all))
}

/// The system of the settings and the peers that it is compared with, with their names.
fn contenders(
    arguments: &BenchArguments,
    registry: &Registry,
    folder: &Path,
) -> Result<Vec<(String, Contender)>> {
    let settings = arguments.settings_in(folder, 0).load_and_warn(registry)?;
    let ours = Contender::Service(ServiceKind::of(registry, &settings)?);
    let mut all = vec![(arguments.name_of(&settings), ours)];
    let named = |command: &String, contender| (Contender::name_of_command(command), contender);
    if let Some(command) = &arguments.peer {
        all.push(named(command, Contender::Service(ServiceKind::Peer(command.clone()))));
    }
    if let Some(command) = &arguments.whole {
        all.push(named(command, Contender::Whole(command.clone())));
    }
    Ok(all)
}

fn load(arguments: &BenchArguments) -> Result<Load> {
    let map = Envelope::pack(EventMaker::new(arguments.value_bytes).make(0, 0))?.payload;
    Ok(Load {
        value_bytes: arguments.value_bytes,
        map_bytes: map.len(),
        latency_rate_per_second: arguments.rate,
        latency_seconds: arguments.latency_seconds,
        runs: arguments.runs,
    })
}

/// Executes the runs, one after the other.
struct Bench<'a> {
    arguments: &'a BenchArguments,
    registry: &'a Registry,
    folder: &'a Path,
    /// The number of runs so far; each run has its own socket.
    run: u32,
}

impl Bench<'_> {
    /// Measures one point for each contender. The runs alternate, so that a temporary load of the machine affects all of them.
    async fn points(&mut self, contenders: &[(String, Contender)], subscribers: usize) -> Result<Vec<Point>> {
        let mut outcomes: Vec<Vec<Outcome>> = contenders.iter().map(|_| Vec::new()).collect();
        for turn in 1..=self.arguments.runs {
            for ((name, contender), outcomes) in contenders.iter().zip(&mut outcomes) {
                let what = format!("{name}, {subscribers} subscribers, run {turn}/{}", self.arguments.runs);
                let case = self.arguments.case(contender, subscribers);
                outcomes.push(self.measure(contender, &case, what).await?);
            }
        }
        let points = contenders.iter().zip(outcomes);
        points
            .map(|((_, contender), outcomes)| point(&self.arguments.case(contender, subscribers), outcomes))
            .collect()
    }

    async fn measure(&mut self, contender: &Contender, case: &Case, what: String) -> Result<Outcome> {
        self.run += 1;
        let settings = self.arguments.settings_in(self.folder, self.run);
        let progress = Arc::new(Progress::new(case.subscribers));
        let bar = self.bar(case, what)?;
        let shown = async {
            loop {
                bar.set_position(progress.slowest());
                tokio::time::sleep(Duration::from_millis(250)).await;
            }
        };
        let measured = async {
            match contender {
                Contender::Whole(command) => case.measure_whole(command, self.folder).await,
                Contender::Service(_) => case.measure(self.registry, &settings, self.folder, &progress).await,
            }
        };
        let outcome = tokio::select! {
            outcome = Box::pin(measured) => outcome,
            () = shown => Err(Error::new(ErrorKind::Internal, "the task of the progress bar ended")),
        };
        bar.finish_and_clear();
        outcome
    }

    fn bar(&self, case: &Case, what: String) -> Result<ProgressBar> {
        let bar = ProgressBar::new(case.length());
        if self.arguments.no_progress {
            bar.set_draw_target(ProgressDrawTarget::hidden());
        }
        let style = ProgressStyle::with_template("{msg} {wide_bar} {human_pos}/{human_len} events {elapsed}");
        bar.set_style(style.map_err(|error| internal("cannot show progress", error))?);
        bar.set_message(what);
        Ok(bar)
    }
}

fn point(case: &Case, outcomes: Vec<Outcome>) -> Result<Point> {
    let mut latencies = LatencyHistogram::new()?;
    for outcome in &outcomes {
        latencies.add(&outcome.latencies)?;
    }
    let runs: Vec<Run> = outcomes.into_iter().map(|outcome| outcome.run).collect();
    let figures: Vec<Figures> = runs.iter().map(|run| run.figures.clone()).collect();
    Ok(Point {
        subscribers: case.subscribers,
        events: case.events,
        window: case.window,
        runs,
        median: Figures::medians(&figures),
        latency_curve: latencies.curve(),
    })
}

fn write(file: &Path, text: &str) -> Result<()> {
    std::fs::write(file, text).map_err(|error| {
        Error::new(ErrorKind::Unavailable, format!("cannot write {}", file.display())).with_source(error)
    })
}

fn internal(what: &str, error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::new(ErrorKind::Internal, what).with_source(error)
}
