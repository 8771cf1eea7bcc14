mod access;
mod arguments;
mod calls;
mod choice;
mod commits;
mod effects;
mod events;
mod inspect;
mod lags;
mod leaders;
mod links;
mod pending_calls;
mod retried_calls;
mod retrying;
mod services;
mod streams;
mod subscriptions;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use delivery::Position;
use pubsub_api::Status;

use self::pending_calls::PendingCalls;
use effects::Effects;
use lags::Lags;
use subscriptions::LocalSubscription;
use tokio::sync::oneshot;

use super::local_service::LocalService;
use super::{BusAction, Command};
use crate::bus_adapter::TopicTraffic;
use crate::calls as engine;
use crate::calls::{Callee, Caller};
use crate::membership::{Membership, MembershipOptions, PeerState, TableHead};
use crate::packet::Message;
use crate::tables::{FollowedTables, PublishedTables, TableMessage, TableOptions};
use crate::{NodeInstance, NodeOptions, ServiceId, StreamName, SubscriptionId, TablePublisher};

/// How long a node that has seeds waits for a peer before it counts as joined alone: connecting to a seed, the introduction
/// and the answer take some tens of milliseconds, and a lost introduction is repeated after a second.
const SEED_PATIENCE: Duration = Duration::from_secs(3);

/// A node without clock and I/O: it turns commands, packets and time into [`BusAction`]s, events for subscriptions, inputs
/// for services, and replies.
///
/// What it sends to itself never leaves it: its own services are reached even if the driver is not.
pub(crate) struct NodeCore {
    options: NodeOptions,
    me: NodeInstance,
    now: Duration,
    /// The time of the start, in microseconds since 1970: epochs of streams rise from it.
    last_epoch: u64,
    membership: Membership,
    published: PublishedTables,
    followed: FollowedTables,
    caller: Caller,
    callee: Callee,
    services: BTreeMap<ServiceId, LocalService>,
    subscriptions: BTreeMap<SubscriptionId, LocalSubscription>,
    /// The subscriptions of each stream that is followed.
    by_stream: BTreeMap<StreamName, Vec<(SubscriptionId, TablePublisher)>>,
    /// The streams of this node that other nodes follow.
    followed_elsewhere: BTreeSet<StreamName>,
    /// The followed streams whose content has arrived.
    with_content: BTreeSet<StreamName>,
    calls: PendingCalls,
    lags: Lags,
    effects: Effects,
    actions: Vec<BusAction>,
    refused: Option<String>,
    endpoint: Option<String>,
    /// Changes with each change of the registry.
    registry_revision: u64,
    /// The number of peers, and whether the registry was complete, at the last revision.
    registry_shape: (usize, bool),
    /// The status of the driver, and what has arrived by it, as the task noted them last.
    driver_status: Status,
    traffic: Vec<TopicTraffic>,
    /// The number of messages about membership that were ignored.
    ignored: u64,
    /// The number of messages about tables that were sent to other nodes.
    table_messages_sent: u64,
    leaving: Option<oneshot::Sender<()>>,
}

impl NodeCore {
    /// A node that has not started. `endpoint` is where others connect to.
    pub(crate) fn new(options: NodeOptions, me: NodeInstance, endpoint: Option<String>) -> Self {
        let times = MembershipOptions {
            heartbeat: options.heartbeat,
            suspect_after: options.suspect_after,
            down_after: options.down_after,
            ..MembershipOptions::default()
        };
        let rng = fastrand::Rng::with_seed(me.instance.number());
        let membership =
            Membership::new(me.clone(), endpoint.clone(), options.seeds.clone(), times, rng.clone());
        let tables = TableOptions { table_bytes: options.table_bytes, ..TableOptions::default() };
        let calls = engine::CallOptions {
            ping_timeout: options.down_after,
            running_per_service: options.service_calls,
            ..engine::CallOptions::default()
        };
        Self {
            now: Duration::ZERO,
            last_epoch: me.boot,
            membership,
            published: PublishedTables::new(tables),
            followed: FollowedTables::new(tables, rng),
            caller: Caller::new(calls.clone()),
            callee: Callee::new(me.instance, calls),
            services: BTreeMap::new(),
            subscriptions: BTreeMap::new(),
            by_stream: BTreeMap::new(),
            followed_elsewhere: BTreeSet::new(),
            with_content: BTreeSet::new(),
            calls: PendingCalls::default(),
            lags: Lags::default(),
            effects: Effects::default(),
            actions: Vec::new(),
            refused: None,
            endpoint,
            registry_revision: 0,
            registry_shape: (0, false),
            driver_status: Status::default(),
            traffic: Vec::new(),
            ignored: 0,
            table_messages_sent: 0,
            leaving: None,
            options,
            me,
        }
    }

    /// Announces the node.
    pub(crate) fn start(&mut self, now: Duration) {
        self.now = now;
        self.membership.start(now, &mut self.effects.membership);
        self.settle();
    }

    /// Whether the node has had the time to hear its peers: one and a half heartbeats, and with seeds until a peer is up, but
    /// no longer than [`SEED_PATIENCE`].
    pub(crate) fn is_settled(&self) -> bool {
        let is_own = |seed: &String| Some(seed) == self.endpoint.as_ref();
        let has_peer = || self.membership.registry().peers().any(|(_, state)| state == PeerState::Up);
        let is_alone = self.options.seeds.iter().all(is_own);
        self.now >= self.options.heartbeat * 3 / 2 && (is_alone || self.now >= SEED_PATIENCE || has_peer())
    }

    /// Handles a command of a handle. After commands of calls, [`settle`](Self::settle) is due, once for all of them.
    pub(crate) fn command(&mut self, now: Duration, command: Command) {
        self.now = now;
        let is_of_call = command.is_of_call();
        match command {
            // The receiver of a reply may have given up: nobody needs it then.
            Command::Start { service, entry, inputs, beginning, rules, reply } => {
                drop(reply.send(self.start_service(service, entry, inputs, beginning, rules)));
            }
            Command::SetState { service, state, reply } => drop(reply.send(self.set_state(&service, state))),
            Command::Drain { service, reply } => self.drain(&service, reply),
            Command::Stop { service, reply } => drop(reply.send(self.stop_service(&service))),
            Command::Commit { service, commit, reply } => drop(reply.send(self.commit(&service, commit))),
            Command::SetStale { service, table, reason, reply } => {
                drop(reply.send(self.set_stale(&service, table, reason)));
            }
            Command::SendRaw { service, table, value, reply } => {
                drop(reply.send(self.send_raw(&service, table, value)));
            }
            Command::Subscribe { subscription, subscriber, address, table, interval, queue, reply } => {
                let new = LocalSubscription::new(subscriber, address, table, interval, queue, now);
                drop(reply.send(self.subscribe(subscription, new)));
            }
            Command::Unsubscribe { subscription } => self.unsubscribe(&subscription),
            Command::ResendTables { subscription } => self.resend_tables(&subscription),
            Command::Call { ticket, call, reply } => self.start_call(ticket, call, reply),
            Command::CallAll { ticket, call, reply } => self.start_calls(ticket, call, reply),
            Command::CallStream { ticket, call, items } => self.start_stream(ticket, call, items),
            Command::PartsRead { ticket, count } => self.parts_read(ticket, count),
            Command::SendPart(new) => self.send_part(new),
            Command::SendArgument(new) => self.send_argument(new),
            Command::EndArguments { ticket } => self.end_arguments(ticket),
            Command::ArgumentsRead { run, count } => self.arguments_read(run, count),
            Command::CancelCall { ticket } => self.cancel_call(ticket),
            Command::Finished { ends } => self.finish_runs(ends),
            Command::Inspect { reply } => drop(reply.send(self.inspect())),
            Command::Leave { reply } => {
                self.membership.leave(&mut self.effects.membership);
                self.leaving = Some(reply);
            }
        }
        if !is_of_call {
            self.settle();
        }
    }

    /// Handles a packet of a peer.
    pub(crate) fn packet(&mut self, now: Duration, source: &NodeInstance, messages: Vec<Message>) {
        self.now = now;
        self.membership.heard(now, source, &mut self.effects.membership);
        for message in messages {
            let is_call = matches!(message, Message::Call(_));
            self.message(source, message);
            // Calls do not depend on each other.
            if !is_call {
                self.settle();
            }
        }
        self.settle();
    }

    /// Handles the passing of time.
    pub(crate) fn tick(&mut self, now: Duration) {
        self.now = now;
        let head = |(stream, position): (StreamName, Position)| {
            let (service, table) = (stream.service, stream.table);
            TableHead { service, table, epoch: position.epoch, sequence: position.sequence }
        };
        let heads = || self.published.heads().into_iter().map(head).collect();
        self.membership.tick(now, heads, &mut self.effects.membership);
        self.published.tick(now, &mut self.effects.published);
        self.followed.tick(now, &mut self.effects.followed);
        self.caller.tick(now, &mut self.effects.caller);
        self.callee.tick(now, &mut self.effects.callee);
        self.tick_retried_calls();
        self.tick_subscriptions();
        self.report_applied();
        self.settle();
    }

    /// Returns when [`tick`](Self::tick) is due.
    pub(crate) fn deadline(&self) -> Duration {
        let others = [
            self.published.deadline(),
            self.followed.deadline(),
            self.caller.deadline(),
            self.callee.deadline(),
            self.subscriptions_deadline(),
            self.calls.retried.deadline(),
            self.lags.deadline(),
        ];
        let settles = match self.options.heartbeat * 3 / 2 {
            _ if self.is_settled() => Duration::MAX,
            least if self.now < least => least,
            _ => SEED_PATIENCE,
        };
        let first = self.membership.deadline().min(settles);
        others.into_iter().flatten().fold(first, Duration::min)
    }

    /// Returns a number that changes with each change of what the node knows of its peers and their services.
    pub(crate) fn registry_revision(&self) -> u64 {
        self.registry_revision
    }

    /// Returns why the node must not be on the bus, if another has its id.
    pub(crate) fn refused(&self) -> Option<&str> {
        self.refused.as_deref()
    }

    /// Returns whether the node has sent its goodbye.
    pub(crate) fn is_leaving(&self) -> bool {
        self.leaving.is_some()
    }

    /// Returns the sender that reports that the node has left, once it has.
    pub(crate) fn take_leaving(&mut self) -> Option<oneshot::Sender<()>> {
        self.leaving.take()
    }

    fn message(&mut self, source: &NodeInstance, message: Message) {
        let now = self.now;
        match message {
            Message::Membership(message) => {
                self.membership.received(now, source, message, &mut self.effects.membership);
            }
            Message::Table(TableMessage::Applied { stream, position }) => {
                self.note_applied(source, stream, position);
            }
            Message::Table(message) => {
                if self.refuse_follower(source, &message) {
                    return;
                }
                if message.stream().instance == source.instance {
                    self.note_denial(&message);
                }
                self.published.received(now, source, &message, &mut self.effects.published);
                self.followed.received(now, source, &message, &mut self.effects.followed);
            }
            Message::Call(message) if message.is_for_callee() => {
                self.callee.received(now, source, message, &mut self.effects.callee);
            }
            Message::Call(message) => self.caller.received(now, source, message, &mut self.effects.caller),
        }
    }
}
