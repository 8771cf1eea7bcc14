use std::time::Duration;

use pubsub_api::Result;

use super::{Timing, between, mib, throughput};
use crate::contender::{Contender, Programs};
use crate::figure::{Figure, Figures};
use crate::session::{self, Load};

/// Idle time before the memory is read.
const IDLE: Duration = Duration::from_secs(1);

/// The memory with all subscribers idle, then at full load while some do not read.
///
/// The window follows the slowest subscriber that reads. Socket buffers of the kernel do not count as the server's memory.
pub(super) fn run(server: (&Contender, &Programs), subscribers: usize, timing: Timing) -> Result<Figures> {
    let to_stall = timing.stalled.min(subscribers.saturating_sub(1));
    let load = Load { to_stall, ..throughput::single(subscribers) };
    let (mut figures, drained) = session::run(server, load, |session| {
        session.flow.sleep(IDLE)?;
        let idle = session.watch().resident()?;
        session.flow.stall()?;
        session.push_while(|watch| {
            let begin = watch.moment()?;
            watch.flow.sleep(timing.warm_up + timing.full)?;
            let mut figures = between(begin, watch.moment()?);
            let loaded = watch.resident()?;
            figures.insert(Figure::IDLE_RSS.key, mib(idle.now_bytes));
            figures.insert(Figure::RSS.key, mib(loaded.now_bytes));
            figures.insert(Figure::PEAK_RSS.key, mib(loaded.peak_bytes));
            Ok(figures)
        })
    })?;
    figures.insert(Figure::CUT.key, drained.cut as f64);
    Ok(figures)
}
