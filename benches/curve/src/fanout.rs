use std::time::{Duration, Instant};

use bench_kit::{ProcessUsage, failure};
use publisher_client::PublisherClient;
use pubsub_api::{Action, Event, Registry, Result, SEND_ALL};
use service_kit::SettingsArguments;
use tokio::time::sleep;

use crate::Arguments;
use crate::counted_stream::EVENT_BYTES;
use crate::drain::{Drain, LOOK};
use crate::fleet::Fleet;

/// The server that is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Server {
    /// Our publisher service.
    Skimmer,
    /// A PUB of libzmq.
    Libzmq,
}

/// The result of a run.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Figures {
    pub(crate) deliveries_per_second: f64,
    pub(crate) cpu_us_per_delivery: f64,
}

/// The largest lead of the publisher over the slowest subscriber, in events, so that nothing is dropped.
const WINDOW: u64 = 200;

const WARM_UP: Duration = Duration::from_millis(500);

/// Publishes at full speed to all subscribers.
pub(crate) async fn measure(arguments: &Arguments, server: Server) -> Result<Figures> {
    let fleet = Fleet::new(arguments.subscribers)?;
    let (process, address) = match server {
        Server::Skimmer => fleet.service(arguments, 0).await?,
        Server::Libzmq => fleet.libzmq(arguments).await?,
    };
    let drain = Drain::connect(&address, &fleet.client_keys()?)?;
    let client = open(&fleet).await?;
    let pid = process.pid().ok_or_else(|| process.failed("it has exited"))?;
    let mut publishing = Publishing { client: &client, drain: &drain, sent: 0 };
    publishing.until_all_subscribed().await?;
    publishing.at_full_speed(WARM_UP).await?;
    let before = (Instant::now(), drain.delivered(), ProcessUsage::of(pid).cpu_time()?);
    publishing.at_full_speed(Duration::from_secs(arguments.seconds)).await?;
    let after = (Instant::now(), drain.delivered(), ProcessUsage::of(pid).cpu_time()?);
    drop(client);
    drain.end()?;
    process.kill().await?;
    let delivered = (after.1 - before.1) as f64;
    Ok(Figures {
        deliveries_per_second: delivered / after.0.duration_since(before.0).as_secs_f64(),
        cpu_us_per_delivery: (after.2 - before.2).as_secs_f64() * 1e6 / delivered,
    })
}

async fn open(fleet: &Fleet) -> Result<PublisherClient> {
    let sets = vec![format!("publisher_multiproc_socket={}", fleet.socket().display())];
    let (settings, _) = SettingsArguments { config: Vec::new(), sets }.load(&Registry::collect()?)?;
    let client = PublisherClient::open(&settings)?;
    client.initialize().await?;
    Ok(client)
}

struct Publishing<'a> {
    client: &'a PublisherClient,
    drain: &'a Drain,
    /// The number of events that every subscriber must receive.
    sent: u64,
}

impl Publishing<'_> {
    /// Publishes until every subscriber has received an event; events before that may have reached only some of them.
    async fn until_all_subscribed(&mut self) -> Result<()> {
        const PATIENCE: Duration = Duration::from_secs(60);
        let deadline = Instant::now() + PATIENCE;
        while self.drain.slowest() == 0 {
            if Instant::now() > deadline || self.drain.has_failed() {
                return Err(failure("not every subscriber received an event"));
            }
            self.client.send(&event()).await?;
            sleep(20 * LOOK).await;
        }
        // What is on its way arrives before anything is measured: the slowest has the fewest.
        self.client.flush().await?;
        sleep(WARM_UP).await;
        self.sent = self.drain.slowest();
        Ok(())
    }

    async fn at_full_speed(&mut self, length: Duration) -> Result<()> {
        let end = Instant::now() + length;
        while Instant::now() < end {
            if self.drain.has_failed() {
                return Err(failure("a subscriber was disconnected"));
            }
            if self.sent.saturating_sub(self.drain.slowest()) >= WINDOW {
                sleep(LOOK / 10).await;
                continue;
            }
            self.client.send(&event()).await?;
            self.sent += 1;
        }
        Ok(())
    }
}

fn event() -> Event {
    Event::new("lport", "port-1", Action::Set, "v".repeat(EVENT_BYTES), SEND_ALL)
}
