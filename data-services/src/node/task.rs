use std::sync::Arc;
use std::time::Duration;

use pubsub_api::{PubSubApi, Result};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, sleep_until};
use tracing::{debug, warn};

use super::core::NodeCore;
use super::departure::Departure;
use super::{Command, LinkAction};
use crate::link::{Link, LinkEvent, LinkOptions};
use crate::packet::Outgoing;
use crate::{Instance, NodeInstance, NodeOptions};

/// The number of actions that may wait for the driver. When the driver is so far behind, further ones are dropped: the
/// protocols repair what is lost, and a node that waits for its driver would be taken for dead.
const ACTIONS: usize = 8192;

/// The number of actions that are taken from the queue at once.
const BATCH: usize = 256;

/// The task of a node: it feeds the core with commands, packets and time, and its driver with the core's actions.
pub(super) struct NodeTask {
    core: NodeCore,
    link: Arc<Link>,
    began: Instant,
    actions: mpsc::Sender<LinkAction>,
    ended: watch::Sender<Option<Departure>>,
    dropped: u64,
}

impl NodeTask {
    /// Opens the driver.
    pub(super) async fn open(
        options: NodeOptions,
        driver: Arc<dyn PubSubApi>,
        is_broker: bool,
        ended: watch::Sender<Option<Departure>>,
    ) -> Result<(Self, NodeInstance)> {
        let boot = super::wall_clock::wall_us();
        let me = NodeInstance { node: options.node.clone(), instance: Instance::random(), boot };
        let how = LinkOptions { bus: options.bus.clone(), is_broker, advertise: options.advertise.clone() };
        let link = Arc::new(Link::open(&*driver, me.clone(), how).await?);
        let endpoint = link.endpoint().map(str::to_owned);
        let (actions, waiting) = mpsc::channel(ACTIONS);
        tokio::spawn(send_actions(Arc::clone(&link), waiting));
        let core = NodeCore::new(options, me.clone(), endpoint);
        let task = Self { core, link, began: Instant::now(), actions, ended, dropped: 0 };
        Ok((task, me))
    }

    /// Runs until the node leaves, or is refused by another with its id.
    pub(super) async fn run(
        mut self,
        mut commands: mpsc::Receiver<Command>,
        joined: oneshot::Sender<Result<()>>,
    ) {
        let mut joined = Some(joined);
        self.core.start(self.now());
        let departure = loop {
            self.act();
            if let Some(text) = self.core.refused() {
                break Departure::refused(text);
            }
            if let Some(reply) = self.core.take_leaving() {
                self.finish(reply).await;
                break Departure::closed("it has left");
            }
            if self.core.is_settled()
                && let Some(joined) = joined.take()
            {
                drop(joined.send(Ok(())));
            }
            let due = self.began + self.core.deadline();
            tokio::select! {
                () = sleep_until(due) => self.core.tick(self.now()),
                event = self.link.recv() => match event {
                    Ok(LinkEvent::Packet(packet)) => self.core.packet(self.now(), packet),
                    Ok(LinkEvent::Reset { reason, .. }) => {
                        debug!(reason, "the driver may have lost packets: tables are checked again");
                        self.core.links_reset(self.now());
                    }
                    Err(error) => break Departure::closed(format!("its driver has ended: {error}")),
                },
                command = commands.recv() => match command {
                    Some(command) => self.command(command),
                    None => break Departure::closed("all its handles were dropped"),
                },
            }
        };
        self.core.stop_services();
        if let Some(joined) = joined {
            drop(joined.send(Err(departure.to_error().context("cannot join the bus"))));
        }
        if let Err(error) = self.link.close().await {
            warn!(%error, "the driver did not send everything before the node left");
        }
        self.ended.send_replace(Some(departure));
    }

    /// Sends the goodbye and what is before it, and ends.
    async fn finish(&mut self, reply: oneshot::Sender<()>) {
        let waiting = self.actions.max_capacity();
        // All places are free when the last action has been taken.
        let drained = self.actions.reserve_many(waiting);
        if tokio::time::timeout(Duration::from_secs(5), drained).await.is_err() {
            warn!("the driver did not accept the goodbye within 5 s: peers find out by silence");
        }
        // Nobody may wait for it any more.
        let _ = reply.send(());
    }

    fn command(&mut self, command: Command) {
        if matches!(command, Command::Inspect { .. }) {
            self.core.note_link(self.link.status());
        }
        self.core.command(self.now(), command);
    }

    fn now(&self) -> Duration {
        self.began.elapsed()
    }

    fn act(&mut self) {
        for action in self.core.take_actions() {
            if self.actions.try_send(action).is_err() {
                self.dropped += 1;
                if self.dropped.is_power_of_two() {
                    warn!(
                        dropped = self.dropped,
                        "the driver is too slow: packets were dropped and are repaired later"
                    );
                }
            }
        }
    }
}

/// Passes the actions to the driver, in order; packets that wait are sent together.
async fn send_actions(link: Arc<Link>, mut actions: mpsc::Receiver<LinkAction>) {
    let mut waiting = Vec::new();
    let mut packets = Vec::new();
    while actions.recv_many(&mut waiting, BATCH).await > 0 {
        for action in waiting.drain(..) {
            if let LinkAction::Send(outgoing) = action {
                packets.push(outgoing);
            } else {
                send(&link, &mut packets).await;
                // What is lost is repaired by the protocols; the link counts it by cause.
                if let Err(error) = act_on(&link, action) {
                    debug!(%error, "the driver refused an action");
                }
            }
        }
        send(&link, &mut packets).await;
    }
}

async fn send(link: &Link, packets: &mut Vec<Outgoing>) {
    if let Err(error) = link.send_all(packets).await {
        debug!(%error, "the driver did not accept all packets");
    }
    packets.clear();
}

fn act_on(link: &Link, action: LinkAction) -> Result<()> {
    match action {
        LinkAction::Follow(stream) => link.follow(&stream).map(drop),
        LinkAction::Unfollow(stream) => {
            link.unfollow(&stream);
            Ok(())
        }
        LinkAction::Connect(endpoint) => link.connect(&endpoint).map(drop),
        LinkAction::Disconnect(endpoint) => {
            link.disconnect(&endpoint);
            Ok(())
        }
        LinkAction::Introduce { endpoint, message } => link.introduce(&endpoint, &message),
        LinkAction::Send(_) => Ok(()),
    }
}
