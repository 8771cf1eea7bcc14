use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use bench_kit::{Clock, ProcessUsage, ResidentMemory, cannot, failure};
use pubsub_api::Result;

use crate::connection::Latencies;
use crate::contender::{Contender, Programs};
use crate::drain::Drain;
use crate::flow::{FAILED_ELSEWHERE, Flow};
use crate::pusher::Pusher;
use crate::rota::Rota;
use crate::server::{Server, with_log};

/// The load of a run.
#[derive(Debug, Clone)]
pub(crate) struct Load {
    pub(crate) subscribers: usize,
    pub(crate) rota: Rota,
    /// Number of topics of the rota for each subscriber.
    pub(crate) topics_each: usize,
    /// The largest lead of the pusher over the slowest subscriber, in events, so that nothing is ever dropped.
    pub(crate) window: u64,
    /// Number of subscribers that stop reading on request.
    pub(crate) to_stall: usize,
    pub(crate) latencies: Option<Latencies>,
}

/// One server, its subscribers and its pusher, all subscribed and with nothing in flight.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) pusher: Pusher,
    pub(crate) flow: Arc<Flow>,
    drain: JoinHandle<Drain>,
    server: Server,
}

/// The result of a run.
#[derive(Debug)]
pub(crate) struct Drained {
    pub(crate) latencies: Option<Latencies>,
    /// Number of subscribers that did not read and were disconnected.
    pub(crate) cut: usize,
}

/// The state of a run at a moment.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moment {
    pub(crate) at: Instant,
    pub(crate) delivered: u64,
    pub(crate) pushed: u64,
    pub(crate) cpu: Duration,
}

/// Starts `contender`, does `work` with it, and checks that every subscriber received every event; an error contains the
/// end of the server's log.
pub(crate) fn run<T>(
    (contender, programs): (&Contender, &Programs),
    load: Load,
    work: impl FnOnce(&mut Session) -> Result<T>,
) -> Result<(T, Drained)> {
    let folder = tempfile::Builder::new().prefix("fanout-").tempdir().map_err(cannot("create a folder"))?;
    let subscribers = load.subscribers;
    let outcome = in_folder((contender, programs), load, folder.path(), work);
    outcome.map_err(|error| {
        with_log(error, folder.path()).context(format!("{}, {subscribers} subscribers", contender.name))
    })
}

fn in_folder<T>(
    (contender, programs): (&Contender, &Programs),
    load: Load,
    folder: &Path,
    work: impl FnOnce(&mut Session) -> Result<T>,
) -> Result<(T, Drained)> {
    let start = contender.start(programs, folder, load.subscribers)?;
    let server = Server::start(start, folder)?;
    let mut session = Session::start(server, contender, load)?;
    let outcome = session.probe().and_then(|()| work(&mut session));
    // The first thread that fails reports the reason; the others only report that something failed.
    let outcome = match (outcome, session.flow.check()) {
        (Err(seen), Err(reason)) if seen.to_string() == FAILED_ELSEWHERE => Err(reason),
        (Ok(_), Err(reason)) => Err(reason),
        (outcome, _) => outcome,
    };
    let pushed = if outcome.is_ok() { session.pusher.finish() } else { Ok(0) };
    let drained = session.end();
    let (outcome, pushed) = (outcome?, pushed?);
    let (drain, cut) = drained?;
    drain.verify(pushed)?;
    Ok((outcome, Drained { latencies: drain.into_latencies(), cut }))
}

impl Session {
    fn start(server: Server, contender: &Contender, load: Load) -> Result<Self> {
        let (wire, rota) = (contender.wire(), load.rota);
        let (flow, clock) = (Arc::new(Flow::default()), Clock::start());
        let shares = rota.shares(load.subscribers, load.topics_each);
        let around = || (Arc::clone(&flow), clock);
        let drain = Drain::connect((server.network, wire), rota, shares, load.to_stall, around())?
            .with_latencies(load.latencies);
        let drain = thread::Builder::new()
            .name("drain".to_owned())
            .spawn(move || drain.run())
            .map_err(cannot("start the drains' thread"))?;
        let pusher = Pusher::connect((&server.push, wire), rota, load.window, around())?;
        Ok(Self { pusher, flow, drain, server })
    }

    /// Pushes probes until all subscribers have received a complete round: then all are subscribed.
    fn probe(&mut self) -> Result<()> {
        const PATIENCE: Duration = Duration::from_secs(30);
        /// The subscriptions are read before anything is published: how a server handles both at the same time is not measured
        /// here.
        const SETTLE: Duration = Duration::from_millis(100);
        self.flow.wait("the server did not greet every subscriber", || self.flow.is_subscribed())?;
        self.flow.sleep(SETTLE)?;
        let deadline = Instant::now() + PATIENCE;
        for round in 1_u32.. {
            self.pusher.probe(u64::from(round))?;
            let next_round = Instant::now() + Duration::from_millis(50) * round.min(40);
            while Instant::now() < next_round {
                self.flow.check()?;
                if self.flow.probed() == u64::from(round) {
                    return Ok(());
                }
                #[expect(
                    clippy::disallowed_methods,
                    reason = "a condition over atomics of other threads is polled, with a deadline"
                )]
                thread::sleep(Duration::from_millis(1));
            }
            if Instant::now() > deadline {
                break;
            }
        }
        Err(failure(format!("not every subscriber was subscribed within {PATIENCE:?}")))
    }

    /// Lets the pusher push at full speed on its own thread while `watch` measures.
    pub(crate) fn push_while<T>(&mut self, watch: impl FnOnce(&Watch<'_>) -> Result<T>) -> Result<T> {
        let (flow, server, pusher) = (&self.flow, &self.server, &mut self.pusher);
        let stop = AtomicBool::new(false);
        thread::scope(|scope| {
            let pushing = scope.spawn(|| pusher.push_until(&stop).inspect_err(|error| fail_run(flow, error)));
            let watched = watch(&Watch { flow, server });
            stop.store(true, Ordering::Relaxed);
            let pushed = pushing.join().unwrap_or_else(|_| Err(failure("the pusher's thread failed")));
            match (pushed, watched) {
                (Err(error), _) if error.to_string() != FAILED_ELSEWHERE => Err(error),
                (_, watched) => watched,
            }
        })
    }

    pub(crate) fn watch(&self) -> Watch<'_> {
        Watch { flow: &self.flow, server: &self.server }
    }

    /// Stops the drains, then the server.
    fn end(mut self) -> Result<(Drain, usize)> {
        self.flow.stop();
        self.server.end_scraper()?;
        let mut drain = self.drain.join().map_err(|_| failure("the drains' thread failed"))?;
        let cut = drain.count_cut();
        Ok((drain, cut))
    }
}

/// Makes the other threads stop, for this reason.
fn fail_run(flow: &Flow, error: &pubsub_api::Error) {
    if error.to_string() != FAILED_ELSEWHERE {
        flow.fail(failure(error.to_string()));
    }
}

/// The state of a run, for measurements.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Watch<'a> {
    pub(crate) flow: &'a Flow,
    server: &'a Server,
}

impl Watch<'_> {
    pub(crate) fn moment(&self) -> Result<Moment> {
        let (at, delivered, pushed) = (Instant::now(), self.flow.delivered(), self.flow.pushed());
        Ok(Moment { at, delivered, pushed, cpu: ProcessUsage::of(self.server.pid()).cpu_time()? })
    }

    pub(crate) fn resident(&self) -> Result<ResidentMemory> {
        ProcessUsage::of(self.server.pid()).memory()
    }
}
