use std::collections::BTreeMap;
use std::sync::Arc;

use futures_util::future::join_all;
use pubsub_api::{Error, ErrorKind};
use redis::{Pipeline, Value};

use super::refusal::{Said, said};
use super::server::{Limits, Lost, Parcel};
use super::{Command, Endpoint, Server, Servers};

/// A command that has no answer yet.
pub(super) struct Pending {
    /// Its place among those that the caller handed over.
    pub(super) place: usize,
    command: Command,
    /// Who is to be asked once instead of the slot's master.
    ask_at: Option<Arc<Server>>,
}

/// What became of a command in one round.
pub(super) enum Outcome {
    /// It was done.
    Answered(usize, Value),
    /// It was not done, and is to be sent elsewhere.
    Redirected(Pending),
    /// It was not done, and may be later.
    NotNow(Pending, Error),
    /// It was refused for good, or nobody knows.
    Failed(Error),
}

impl Pending {
    pub(super) fn new(place: usize, command: Command) -> Self {
        Self { place, command, ask_at: None }
    }
}

impl Servers {
    /// Sends each command once: to whom it belongs, all servers at the same time, a pipeline for each.
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
                server.ask(Parcel::One(&command.cmd), &self.login, limits, &self.counters).await
            }
            group => {
                let pipeline = pipeline(group);
                server.ask(Parcel::Many(&pipeline), &self.login, limits, &self.counters).await
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
        match said(answer, server.endpoint(), self.clustered) {
            Said::Value(value) => Outcome::Answered(one.place, value),
            // The host of the other node is not announced, and is another than that of this one: CLUSTER SLOTS says more.
            Said::Moved(_, to) | Said::Ask(to) if to.leads_back_to(server.endpoint()) => {
                let slot = one.command.slot;
                Outcome::NotNow(one, not_announced(server.endpoint(), slot))
            }
            Said::Moved(slot, to) => {
                self.counters.moved.add(1);
                self.map.moved(slot, to.seen_from(server.endpoint()));
                Outcome::Redirected(one)
            }
            Said::Ask(at) => {
                self.counters.asked.add(1);
                one.ask_at = Some(self.map.at(at.seen_from(server.endpoint())));
                Outcome::Redirected(one)
            }
            Said::NotNow(error) => Outcome::NotNow(one, error),
            Said::Never(error) => Outcome::Failed(error),
        }
    }
}

fn not_announced(asked: &Endpoint, slot: u16) -> Error {
    let text = format!(
        "{asked} does not announce the host of the node that has slot {slot}: set cluster-announce-hostname at each node, or \
         cluster-preferred-endpoint-type ip"
    );
    Error::new(ErrorKind::Unavailable, text)
}

/// ASKING holds for the one command behind it on the same connection, where no other caller's may come between: a pipeline is
/// written in one piece.
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
        let text = format!("a write may be done or not, look before you do it again: {text}");
        return Outcome::Failed(Error::new(ErrorKind::InDoubt, text));
    }
    match lost.error.kind() {
        ErrorKind::Settings => Outcome::Failed(Error::new(ErrorKind::Settings, text)),
        kind => Outcome::NotNow(one, Error::new(kind, text)),
    }
}
