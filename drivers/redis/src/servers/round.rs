use std::collections::BTreeMap;
use std::sync::Arc;

use futures_util::future::join_all;
use pubsub_api::{Error, ErrorKind};
use redis::{Pipeline, Value};

use super::reply::{Reply, interpret};
use super::server::{Limits, Lost, Request};
use super::{Command, Endpoint, Server, Servers};

/// A command without an answer yet.
pub(super) struct Pending {
    /// Its position among the caller's commands.
    pub(super) place: usize,
    command: Command,
    /// The server to ask once, instead of the slot's master.
    ask_at: Option<Arc<Server>>,
}

/// The outcome of a command in one round.
pub(super) enum Outcome {
    /// It was done.
    Answered(usize, Value),
    /// It was not done, and must be sent to another server.
    Redirected(Pending),
    /// It was not done, and a retry may succeed.
    NotNow(Pending, Error),
    /// It was refused permanently, or its result is unknown.
    Failed(Error),
}

impl Pending {
    pub(super) fn new(place: usize, command: Command) -> Self {
        Self { place, command, ask_at: None }
    }
}

impl Servers {
    /// Sends each command once to its server, to all servers at the same time, with one pipeline for each.
    pub(super) async fn round(&self, pending: Vec<Pending>, limits: Limits) -> Vec<Outcome> {
        let mut groups: BTreeMap<Endpoint, (Arc<Server>, Vec<Pending>)> = BTreeMap::new();
        let mut outcomes = Vec::new();
        for one in pending {
            let server = one.ask_at.clone().or_else(|| self.map.master(one.command.slot));
            match server {
                Some(server) => {
                    let group =
                        groups.entry(server.endpoint().clone()).or_insert_with(|| (server, Vec::new()));
                    group.1.push(one);
                }
                None => {
                    let text = format!("no node of the cluster serves slot {}", one.command.slot);
                    outcomes.push(Outcome::NotNow(one, Error::new(ErrorKind::Unavailable, text)));
                }
            }
        }
        let deliveries = groups.into_values().map(|(server, group)| self.deliver(server, group, limits));
        outcomes.extend(join_all(deliveries).await.into_iter().flatten());
        outcomes
    }

    async fn deliver(&self, server: Arc<Server>, group: Vec<Pending>, limits: Limits) -> Vec<Outcome> {
        let answers = match group.as_slice() {
            [Pending { command, ask_at: None, .. }] => {
                server.ask(Request::One(&command.cmd), &self.credentials, limits, &self.counters).await
            }
            group => {
                let pipeline = pipeline(group);
                server.ask(Request::Many(&pipeline), &self.credentials, limits, &self.counters).await
            }
        };
        match answers {
            Ok(answers) => {
                let mut answers = answers.into_iter();
                let understood = group.into_iter().map(|one| {
                    if one.ask_at.is_some() {
                        answers.next();
                    }
                    self.understand(one, answers.next().unwrap_or(Value::Nil), &server)
                });
                understood.collect()
            }
            Err(lost) => group.into_iter().map(|one| without_answer(one, &lost)).collect(),
        }
    }

    fn understand(&self, mut one: Pending, answer: Value, server: &Server) -> Outcome {
        one.ask_at = None;
        match interpret(answer, server.endpoint(), self.clustered) {
            Reply::Value(value) => Outcome::Answered(one.place, value),
            // The other node's host is unknown, and is not the host of this one: CLUSTER SLOTS has more information.
            Reply::Moved(_, to) | Reply::Ask(to) if to.leads_back_to(server.endpoint()) => {
                let slot = one.command.slot;
                Outcome::NotNow(one, not_announced(server.endpoint(), slot))
            }
            Reply::Moved(slot, to) => {
                self.counters.moved.add(1);
                self.map.moved(slot, to.seen_from(server.endpoint()));
                Outcome::Redirected(one)
            }
            Reply::Ask(at) => {
                self.counters.asked.add(1);
                one.ask_at = Some(self.map.at(at.seen_from(server.endpoint())));
                Outcome::Redirected(one)
            }
            Reply::NotNow(error) => Outcome::NotNow(one, error),
            Reply::Never(error) => Outcome::Failed(error),
        }
    }
}

fn not_announced(asked: &Endpoint, slot: u16) -> Error {
    let text = format!(
        "{asked} does not announce the host of the node with slot {slot}: set cluster-announce-hostname on each node, or \
         cluster-preferred-endpoint-type ip"
    );
    Error::new(ErrorKind::Unavailable, text)
}

/// ASKING applies to the next command on the same connection, so no command of another caller may come between: a pipeline
/// is written in one piece.
fn pipeline(group: &[Pending]) -> Pipeline {
    let mut pipeline = Pipeline::with_capacity(group.len());
    for one in group {
        if one.ask_at.is_some() {
            pipeline.cmd("ASKING");
        }
        pipeline.add_command(one.command.cmd.clone());
    }
    pipeline
}

fn without_answer(mut one: Pending, lost: &Lost) -> Outcome {
    one.ask_at = None;
    let text = lost.error.to_string();
    if lost.sent && one.command.writes {
        let text = format!("the write may or may not have been done; check before you repeat it: {text}");
        return Outcome::Failed(Error::new(ErrorKind::InDoubt, text));
    }
    match lost.error.kind() {
        ErrorKind::Settings => Outcome::Failed(Error::new(ErrorKind::Settings, text)),
        kind => Outcome::NotNow(one, Error::new(kind, text)),
    }
}
