use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::time::{MissedTickBehavior, interval};

use crate::metrics::Scrape;
use crate::respond::Subject;
use crate::status_page::{Observation, Observer};
use crate::wall_clock::wall_ms;
use crate::{ReadinessCheck, RunningProgram};

/// The interval between two readings.
const SAMPLE_INTERVAL: Duration = Duration::from_secs(1);

/// Without an open stream, the peers are read only at each tenth reading: it is for notices of those that become stale.
const UNWATCHED: u32 = 10;

/// A reading that took long is followed by a pause of this many times as long: readings take a twentieth of one core at most.
const PAUSE: u32 = 20;

/// Reads the program once a second, and sends to every stream what is new.
pub(super) async fn sample(subject: Arc<Subject>) {
    let (mut observer, mut number) = (Observer::default(), 0_u32);
    let mut ticks = interval(SAMPLE_INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut rested = Instant::now();
    loop {
        ticks.tick().await;
        let began = Instant::now();
        let program = subject.program.get().filter(|_| began >= rested);
        let Some(program) = program else {
            subject.events.beat();
            continue;
        };
        let is_watched = subject.events.is_watched();
        let seen = observe(&subject, program, began, is_watched || number.is_multiple_of(UNWATCHED));
        observer.take(seen, &program.notices);
        if is_watched {
            subject.events.publish(|| observer.snapshot(), || observer.changes());
        }
        number = number.wrapping_add(1);
        rested = began + began.elapsed().saturating_mul(PAUSE);
    }
}

fn observe(subject: &Subject, program: &RunningProgram, now: Instant, with_peers: bool) -> Observation {
    let checks = (program.checks)();
    let uptime = subject.pulse.uptime(now);
    Observation {
        now,
        now_ms: wall_ms(),
        uptime_seconds: uptime.as_secs(),
        scrape: Scrape {
            program: program.program.to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            is_ready: checks.iter().all(ReadinessCheck::is_met),
            uptime_seconds: uptime.as_secs_f64(),
            parts: (program.parts)(),
        },
        checks,
        peers: with_peers.then(|| (program.peers)()),
    }
}
