use std::collections::{BTreeMap, HashMap};

use pubsub_api::Result;
use serde_json::Value as Json;
use tokio::sync::oneshot;

use super::NodeCore;
use crate::calls::{CallId, CalleeEffect, CallerEffect, RunId};
use crate::node::local_service::{no_method, private};
use crate::node::{NewCall, Ticket};
use crate::service::{Call, ServiceInput};
use crate::{CallError, CallErrorKind, CallResult, NodeInstance, ServiceId, ServiceState};

/// The calls that services of this node have made, and those that run here.
#[derive(Default)]
pub(super) struct PendingCalls {
    by_id: HashMap<CallId, Waiting>,
    tickets: BTreeMap<Ticket, Vec<CallId>>,
    gathers: HashMap<Ticket, Gather>,
    /// The service of each method that runs.
    runs: HashMap<RunId, ServiceId>,
    /// Counts the calls to any of several services, which take turns.
    turns: usize,
}

/// Who waits for the result of a call.
enum Waiting {
    /// One caller.
    One(Ticket, oneshot::Sender<Result<Json, CallError>>),
    /// A caller that has called several services.
    Gather(Ticket, NodeInstance, ServiceId),
}

/// The results so far of a call to several services.
struct Gather {
    missing: usize,
    results: Vec<CallResult>,
    reply: oneshot::Sender<Vec<CallResult>>,
}

impl NodeCore {
    pub(super) fn start_call(
        &mut self,
        ticket: Ticket,
        call: NewCall,
        reply: oneshot::Sender<Result<Json, CallError>>,
    ) {
        let sent = self.choose(&call).and_then(|(target, service)| self.send_call(&target, service, &call));
        match sent {
            Ok(id) => {
                self.calls.by_id.insert(id, Waiting::One(ticket, reply));
                self.calls.tickets.insert(ticket, vec![id]);
            }
            // The caller may have given up.
            Err(error) => drop(reply.send(Err(error))),
        }
    }

    pub(super) fn start_calls(
        &mut self,
        ticket: Ticket,
        call: NewCall,
        reply: oneshot::Sender<Vec<CallResult>>,
    ) {
        let targets = self.targets(&call);
        if targets.is_empty() {
            drop(reply.send(Vec::new()));
            return;
        }
        self.calls.gathers.insert(ticket, Gather { missing: targets.len(), results: Vec::new(), reply });
        let mut ids = Vec::with_capacity(targets.len());
        for (target, service, _) in targets {
            match self.send_call(&target, service.clone(), &call) {
                Ok(id) => {
                    self.calls.by_id.insert(id, Waiting::Gather(ticket, target, service));
                    ids.push(id);
                }
                Err(error) => {
                    self.gather(ticket, CallResult { node: target.node, service, result: Err(error) })
                }
            }
        }
        self.calls.tickets.insert(ticket, ids);
    }

    pub(super) fn cancel_call(&mut self, ticket: Ticket) {
        for id in self.calls.tickets.remove(&ticket).unwrap_or_default() {
            if self.calls.by_id.remove(&id).is_some() {
                self.caller.cancel(self.now, id, &mut self.effects.caller);
            }
        }
        self.calls.gathers.remove(&ticket);
    }

    fn send_call(
        &mut self,
        target: &NodeInstance,
        service: ServiceId,
        call: &NewCall,
    ) -> Result<CallId, CallError> {
        let method = (service, call.method.clone());
        let effects = &mut self.effects.caller;
        self.caller.call(self.now, target, method, &call.arguments, call.deadline, effects)
    }

    /// The services that listen on the address of a call, on the nodes that it allows.
    fn targets(&self, call: &NewCall) -> Vec<(NodeInstance, ServiceId, ServiceState)> {
        let listeners = self.membership.registry().listeners(&call.address).into_iter();
        let allowed =
            listeners.filter(|(peer, _, _)| call.node.as_ref().is_none_or(|node| *node == peer.node));
        allowed.map(|(peer, service, entry)| (peer.clone(), service.clone(), entry.state)).collect()
    }

    /// Chooses one service: one of this node if there is one, otherwise each in turn.
    fn choose(&mut self, call: &NewCall) -> Result<(NodeInstance, ServiceId), CallError> {
        let all = self.targets(call);
        if all.is_empty() {
            return Err(self.no_listener(call));
        }
        let running: Vec<_> = all.iter().filter(|(_, _, state)| *state == ServiceState::Running).collect();
        let own = running.iter().find(|(peer, _, _)| peer.instance == self.me.instance);
        let turn = self.calls.turns;
        self.calls.turns = turn.wrapping_add(1);
        let next = running.get(turn.checked_rem(running.len()).unwrap_or_default());
        let Some((target, service, _)) = own.or(next) else {
            let text = format!("service {} is stopping or starting again; retry later", call.address);
            return Err(CallError::new(CallErrorKind::Draining, text));
        };
        if call.method.is_private() && (target.instance != self.me.instance || *service != call.caller) {
            return Err(private(service, &call.method));
        }
        Ok((target.clone(), service.clone()))
    }

    fn no_listener(&self, call: &NewCall) -> CallError {
        let place = match &call.node {
            Some(node) => format!("on node {node}"),
            None => format!("on bus {}", self.options.bus),
        };
        CallError::new(CallErrorKind::NoService, format!("no service listens on {} {place}", call.address))
    }

    pub(super) fn caller_effect(&mut self, effect: CallerEffect) {
        match effect {
            CallerEffect::Send(outgoing) => self.send(outgoing),
            CallerEffect::Finished { id, result } => match self.calls.by_id.remove(&id) {
                Some(Waiting::One(ticket, reply)) => {
                    self.calls.tickets.remove(&ticket);
                    drop(reply.send(result));
                }
                Some(Waiting::Gather(ticket, peer, service)) => {
                    self.gather(ticket, CallResult { node: peer.node, service, result });
                }
                None => {}
            },
        }
    }

    fn gather(&mut self, ticket: Ticket, result: CallResult) {
        let Some(gather) = self.calls.gathers.get_mut(&ticket) else { return };
        gather.results.push(result);
        gather.missing = gather.missing.saturating_sub(1);
        if gather.missing == 0
            && let Some(done) = self.calls.gathers.remove(&ticket)
        {
            self.calls.tickets.remove(&ticket);
            drop(done.reply.send(done.results));
        }
    }

    pub(super) fn callee_effect(&mut self, effect: CalleeEffect) {
        match effect {
            CalleeEffect::Send(outgoing) => self.send(outgoing),
            CalleeEffect::Cancel(run) => {
                let local = self.calls.runs.get(&run).and_then(|service| self.services.get(service));
                // If the queue is full, the method runs to its end, and the result is dropped.
                let _ = local.map(|local| local.send(ServiceInput::Cancel(run)));
            }
            CalleeEffect::Run { run, caller, service, method, arguments, deadline } => {
                let deadline = deadline.saturating_sub(self.now);
                let call = Call { caller, method, deadline, arguments };
                if let Err(error) = self.run(run, &service, call) {
                    self.callee.finished(run, Err(error), &mut self.effects.callee);
                }
            }
        }
    }

    fn run(&mut self, run: RunId, service: &ServiceId, call: Call) -> Result<(), CallError> {
        let Some(local) = self.services.get_mut(service) else {
            let text = format!("node {} runs no service {service}", self.me.node);
            return Err(CallError::new(CallErrorKind::NoService, text));
        };
        if local.entry.state != ServiceState::Running {
            return Err(CallError::new(CallErrorKind::Draining, format!("service {service} is stopping")));
        }
        if call.method.is_private() && call.caller.instance != self.me.instance {
            return Err(private(service, &call.method));
        }
        if !local.entry.methods.contains(&call.method) {
            return Err(no_method(service, &call.method));
        }
        if !local.send(ServiceInput::Run { run, call }) {
            let text = format!("the queue of service {service} is full; retry later");
            return Err(CallError::new(CallErrorKind::Overloaded, text));
        }
        local.running += 1;
        self.calls.runs.insert(run, service.clone());
        Ok(())
    }

    pub(super) fn finish_run(&mut self, run: RunId, result: Result<Json, CallError>) {
        if let Some(service) = self.calls.runs.remove(&run)
            && let Some(local) = self.services.get_mut(&service)
        {
            local.run_ended();
        }
        self.callee.finished(run, result, &mut self.effects.callee);
    }
}
