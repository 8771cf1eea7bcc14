use pubsub_api::Result;

use super::{Timing, between, mib, window};
use crate::contender::{Contender, Programs};
use crate::figure::{Figure, Figures};
use crate::rota::Rota;
use crate::session::{self, Load};

/// Number of topics, and the number of them for each subscriber.
const TOPICS: u32 = 1000;
const TOPICS_EACH: usize = 20;

/// Every subscriber receives everything.
pub(super) fn single(subscribers: usize) -> Load {
    let window = window(subscribers as u64);
    Load { subscribers, rota: Rota::Single, topics_each: 1, window, to_stall: 0, latencies: None }
}

/// Every subscriber receives some of many topics.
pub(super) fn topics(subscribers: usize) -> Load {
    let deliveries_per_event = (subscribers * TOPICS_EACH) as u64 / u64::from(TOPICS);
    let window = window(deliveries_per_event);
    let rota = Rota::Many(TOPICS);
    Load { subscribers, rota, topics_each: TOPICS_EACH, window, to_stall: 0, latencies: None }
}

/// Pushes as fast as the window allows: warm-up, then the measured part.
pub(super) fn run(server: (&Contender, &Programs), load: Load, timing: Timing) -> Result<Figures> {
    let (figures, _) = session::run(server, load, |session| {
        session.push_while(|watch| {
            watch.flow.sleep(timing.warm_up)?;
            let begin = watch.moment()?;
            watch.flow.sleep(timing.full)?;
            let mut figures = between(begin, watch.moment()?);
            let resident = watch.resident()?;
            figures.insert(Figure::RSS.key, mib(resident.now_bytes));
            figures.insert(Figure::PEAK_RSS.key, mib(resident.peak_bytes));
            Ok(figures)
        })
    })?;
    Ok(figures)
}
