use std::sync::Arc;
use std::time::Duration;

use pubsub_api::{PubSubApi, Result};
use tokio::sync::{mpsc, oneshot};
use tokio::task::yield_now;
use tokio::time::{Instant, sleep_until};
use tracing::{debug, warn};

use super::action_queue::ActionQueue;
use super::core::NodeCore;
use super::departure::Departure;
use super::task_news::TaskNews;
use super::wall_clock::wall_us;
use super::{BusAction, Command};
use crate::bus_adapter::{BusAdapter, BusEvent, BusOptions};
use crate::packet::Outgoing;
use crate::{Instance, NodeInstance, NodeOptions};

/// The number of actions, of messages and of commands that are handled at once; a packet is handled whole.
const BATCH: usize = 256;

/// The task of a node: it feeds the core with commands, packets and time, and its driver with the core's actions.
pub(super) struct NodeTask {
    core: NodeCore,
    adapter: Arc<BusAdapter>,
    began: Instant,
    actions: ActionQueue,
    news: TaskNews,
    prefers_packets: bool,
}

/// What happens next at a node.
#[expect(clippy::large_enum_variant, reason = "one at a time, and it is handled at once")]
enum Input {
    Time,
    Driver(Result<BusEvent>),
    /// The queue of actions has a place for a deferred change.
    Place,
    Command(Option<Command>),
}

impl NodeTask {
    /// Opens the driver.
    pub(super) async fn open(
        options: NodeOptions,
        driver: Arc<dyn PubSubApi>,
        is_broker: bool,
        news: TaskNews,
    ) -> Result<(Self, NodeInstance)> {
        let (instance, boot) = options.start.unwrap_or_else(|| (Instance::random(), wall_us()));
        let me = NodeInstance { node: options.node.clone(), instance, boot };
        let (bus, advertise) = (options.bus.clone(), options.advertise.clone());
        let how = BusOptions { bus, is_broker, advertise, sealing: options.sealing.clone() };
        let adapter = Arc::new(BusAdapter::open(&*driver, me.clone(), how).await?);
        let endpoint = adapter.endpoint().map(str::to_owned);
        let (actions, waiting) = ActionQueue::new();
        tokio::spawn(send_actions(Arc::clone(&adapter), waiting));
        let core = NodeCore::new(options, me.clone(), endpoint);
        let task = Self { core, adapter, began: Instant::now(), actions, news, prefers_packets: false };
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
            self.actions.push(self.core.take_actions());
            self.core.send_replies();
            self.news.report_registry(self.core.registry_revision());
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
            match self.next(&mut commands).await {
                Input::Time => self.core.tick(self.now()),
                Input::Driver(Ok(event)) => self.bus_events(event),
                Input::Driver(Err(error)) => {
                    break Departure::closed(format!("its driver has ended: {error}"));
                }
                Input::Place => {}
                Input::Command(Some(command)) => self.commands(command, &mut commands),
                Input::Command(None) => break Departure::closed("all its handles were dropped"),
            }
            self.acknowledge(&mut commands).await;
        };
        self.core.stop_services();
        if let Some(joined) = joined {
            drop(joined.send(Err(departure.to_error().context("cannot join the bus"))));
        }
        if let Err(error) = self.adapter.close().await {
            warn!(id = "SK1011", %error, "the driver did not send everything before the node left");
        }
        self.news.ended.send_replace(Some(departure));
    }

    /// Waits for what happens next. Packets and commands are preferred in turns: neither holds up the other, and a run in
    /// virtual time can be repeated.
    async fn next(&mut self, commands: &mut mpsc::Receiver<Command>) -> Input {
        let due = self.began + self.core.deadline();
        self.prefers_packets = !self.prefers_packets;
        if self.prefers_packets {
            tokio::select! {
                biased;
                () = sleep_until(due) => Input::Time,
                event = self.adapter.recv() => Input::Driver(event),
                command = commands.recv() => Input::Command(command),
                () = self.actions.has_place() => Input::Place,
            }
        } else {
            tokio::select! {
                biased;
                () = sleep_until(due) => Input::Time,
                command = commands.recv() => Input::Command(command),
                event = self.adapter.recv() => Input::Driver(event),
                () = self.actions.has_place() => Input::Place,
            }
        }
    }

    /// Acknowledges the calls that have begun, after everything that is ready to run had its turn: a method that ends at once
    /// has ended then, and its result is sent instead.
    async fn acknowledge(&mut self, commands: &mut mpsc::Receiver<Command>) {
        if self.core.owes_acknowledgements() {
            yield_now().await;
            if let Ok(command) = commands.try_recv() {
                self.commands(command, commands);
            }
            self.core.acknowledge();
        }
    }

    /// Sends the goodbye and what is before it, and ends.
    async fn finish(&mut self, reply: oneshot::Sender<()>) {
        if tokio::time::timeout(Duration::from_secs(5), self.actions.drained()).await.is_err() {
            warn!(
                id = "SK1011",
                "the driver did not accept the goodbye within 5 s: peers find out by silence"
            );
        }
        // Nobody may wait for it any more.
        let _ = reply.send(());
    }

    /// Handles an event of the bus, and those that have arrived with it.
    fn bus_events(&mut self, first: BusEvent) {
        let (mut next, mut messages_left) = (Some(first), BATCH);
        while let Some(event) = next {
            match event {
                BusEvent::Packet { source, messages } => {
                    messages_left = messages_left.saturating_sub(messages.len());
                    self.core.packet(self.now(), &source, messages);
                }
                BusEvent::Listener(instance) => self.core.greet(self.now(), instance),
                BusEvent::Reset { endpoint, reason } => {
                    debug!(endpoint, reason, "the driver may have lost packets: tables are checked again");
                    self.core.links_reset(self.now(), endpoint.as_deref());
                }
            }
            next = if messages_left > 0 { self.adapter.try_recv() } else { None };
        }
    }

    /// Handles a command, and those that wait after it, as long as the node stays on the bus.
    fn commands(&mut self, first: Command, waiting: &mut mpsc::Receiver<Command>) {
        let now = self.now();
        self.command(now, first);
        for _ in 0..BATCH {
            match waiting.try_recv() {
                Ok(command) if !self.core.is_leaving() => self.command(now, command),
                _ => break,
            }
        }
        self.core.settle();
    }

    fn command(&mut self, now: Duration, command: Command) {
        if matches!(command, Command::Inspect { .. }) {
            let mut status = self.adapter.status();
            status.merge(self.actions.status());
            self.core.note_driver(status, self.adapter.traffic());
        }
        self.core.command(now, command);
    }

    fn now(&self) -> Duration {
        self.began.elapsed()
    }
}

/// Passes the actions to the driver, in order; packets that wait are sent together.
async fn send_actions(adapter: Arc<BusAdapter>, mut actions: mpsc::Receiver<BusAction>) {
    let mut waiting = Vec::new();
    let mut packets = Vec::new();
    while actions.recv_many(&mut waiting, BATCH).await > 0 {
        for action in waiting.drain(..) {
            if let BusAction::Send(outgoing) = action {
                packets.push(outgoing);
            } else {
                send(&adapter, &mut packets).await;
                // What is lost is repaired by the protocols; the adapter counts it by cause.
                if let Err(error) = act_on(&adapter, action) {
                    debug!(%error, "the driver refused an action");
                }
            }
        }
        send(&adapter, &mut packets).await;
    }
}

async fn send(adapter: &BusAdapter, packets: &mut Vec<Outgoing>) {
    if let Err(error) = adapter.send_all(packets).await {
        debug!(%error, "the driver did not accept all packets");
    }
    packets.clear();
}

fn act_on(adapter: &BusAdapter, action: BusAction) -> Result<()> {
    match action {
        BusAction::Follow(stream) => adapter.follow(&stream).map(drop),
        BusAction::Unfollow(stream) => {
            adapter.unfollow(&stream);
            Ok(())
        }
        BusAction::Connect(endpoint) => adapter.connect(&endpoint).map(drop),
        BusAction::Disconnect(endpoint) => {
            adapter.disconnect(&endpoint);
            Ok(())
        }
        BusAction::Introduce { endpoint, message } => adapter.introduce(&endpoint, &message),
        BusAction::Send(_) => Ok(()),
    }
}
