use serde_json::Value as Json;
use tokio::sync::oneshot;

use super::NodeCore;
use super::arguments::arguments_channel;
use super::effects::Reply;
use super::pending_calls::{Gather, Waiting};
use crate::calls::{CallId, CalleeEffect, CallerEffect, Invocation, RunId};
use crate::node::local_service::{LocalService, no_method, private};
use crate::node::{NewCall, Ticket};
use crate::service::{ArgumentItem, Call, CallItem, ServiceInput};
use crate::{CallError, CallErrorKind, CallResult, Delivery, NodeInstance, ServiceId, ServiceState};

impl NodeCore {
    /// Calls one service that listens on the address, and replies with its result: at once if there is none that can be called.
    pub(super) fn start_call(
        &mut self,
        ticket: Ticket,
        call: NewCall,
        reply: oneshot::Sender<Result<Json, CallError>>,
    ) {
        if matches!(call.delivery, Delivery::Retried(_)) {
            return self.start_retried_call(ticket, call, reply);
        }
        let sent =
            self.choose(&call, None).and_then(|(target, service)| self.send_call(&target, service, &call));
        match sent {
            Ok(id) => {
                self.calls.by_id.insert(id, Waiting::One(ticket, reply));
                self.calls.tickets.insert(ticket, id);
            }
            // The caller may have given up.
            Err(error) => drop(reply.send(Err(error))),
        }
    }

    /// Calls every service that listens on the address, and replies with all results, or with as many as the quorum of the call:
    /// at once, and with none, if nobody listens.
    pub(super) fn start_calls(
        &mut self,
        ticket: Ticket,
        call: NewCall,
        reply: oneshot::Sender<Result<Vec<CallResult>, CallError>>,
    ) {
        if matches!(call.delivery, Delivery::Retried(_)) {
            let text = "a call of every service is not retried: use Delivery::Keyed";
            return drop(reply.send(Err(CallError::new(CallErrorKind::BadArguments, text))));
        }
        let targets = self.targets(&call);
        let needed = call.quorum.unwrap_or(targets.len());
        if targets.len() < needed || targets.is_empty() {
            let too_few = || Err(too_few_listeners(&call, targets.len(), needed));
            drop(reply.send(if targets.len() < needed { too_few() } else { Ok(Vec::new()) }));
            return;
        }
        let (results, missing, needed) = (Vec::new(), targets.len(), needed.max(1));
        self.calls.gathers.insert(ticket, Gather { missing, needed, results, ids: Vec::new(), reply });
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
        if let Some(gather) = self.calls.gathers.get_mut(&ticket) {
            gather.ids = ids;
        }
    }

    /// Cancels the calls of a ticket: their caller has given up.
    pub(super) fn cancel_call(&mut self, ticket: Ticket) {
        let gathered = self.calls.gathers.remove(&ticket).map(|gather| gather.ids).unwrap_or_default();
        let alone = self.calls.tickets.remove(&ticket);
        self.calls.waiting_arguments.remove(&ticket);
        self.cancel(gathered.into_iter().chain(alone));
        self.calls.retried.remove(ticket);
    }

    /// Cancels those of these calls that have not ended.
    fn cancel(&mut self, ids: impl IntoIterator<Item = CallId>) {
        for id in ids {
            if self.calls.by_id.remove(&id).is_some() {
                self.caller.cancel(self.now, id, &mut self.effects.caller);
            }
        }
    }

    pub(super) fn send_call(
        &mut self,
        target: &NodeInstance,
        service: ServiceId,
        call: &NewCall,
    ) -> Result<CallId, CallError> {
        let invocation = Invocation {
            caller: call.caller.clone(),
            service,
            method: call.method.clone(),
            key: call.delivery.key().cloned(),
            window: call.window,
            trace: call.trace,
            sends_parts: call.sends_parts,
        };
        let effects = &mut self.effects.caller;
        self.caller.call(self.now, target, invocation, &call.arguments, call.deadline, effects)
    }

    /// Does what the caller demands: sends a message, or passes a result on.
    pub(super) fn caller_effect(&mut self, effect: CallerEffect) {
        match effect {
            CallerEffect::Send(outgoing) => self.send(outgoing),
            CallerEffect::Part { id, part } => self.deliver_part(id, part),
            CallerEffect::Credit(id) => self.send_waiting_argument(id),
            CallerEffect::Finished { id, result } => match self.calls.by_id.remove(&id) {
                Some(Waiting::One(ticket, reply)) => {
                    self.calls.tickets.remove(&ticket);
                    self.calls.waiting_arguments.remove(&ticket);
                    self.effects.replies.push(Reply { to: reply, result });
                }
                Some(Waiting::Stream(ticket, items)) => {
                    self.calls.tickets.remove(&ticket);
                    // The reader may have given up.
                    drop(items.try_send(CallItem::End(result)));
                }
                Some(Waiting::Retried(ticket, instance)) => {
                    self.calls.tickets.remove(&ticket);
                    match result {
                        Err(error) => self.retry_later(ticket, Some(instance), error),
                        result => self.calls.retried.end(ticket, result),
                    }
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
        gather.needed = gather.needed.saturating_sub(usize::from(result.result.is_ok()));
        gather.missing = gather.missing.saturating_sub(1);
        gather.results.push(result);
        if (gather.missing == 0 || gather.needed == 0)
            && let Some(done) = self.calls.gathers.remove(&ticket)
        {
            self.cancel(done.ids);
            drop(done.reply.send(Ok(done.results)));
        }
    }

    /// Does what the callee demands: sends a message, or starts or cancels a method. A method that cannot start ends with an
    /// error.
    pub(super) fn callee_effect(&mut self, effect: CalleeEffect) {
        match effect {
            CalleeEffect::Send(outgoing) => self.send(outgoing),
            CalleeEffect::Credit(run) => self.send_waiting_parts(run),
            CalleeEffect::Argument { run, part } => self.deliver_argument(run, ArgumentItem::Part(part)),
            CalleeEffect::ArgumentsEnd(run) => self.deliver_argument(run, ArgumentItem::End),
            CalleeEffect::Cancel(run) => {
                let local = self.calls.runs.get(&run).and_then(|service| self.services.get(service));
                // If the queue is full, the method runs to its end, and the result is dropped.
                let _ = local.map(|local| local.send(ServiceInput::Cancel(run)));
            }
            CalleeEffect::Run { run, caller, invocation, arguments, deadline } => {
                let deadline = deadline.saturating_sub(self.now);
                let Invocation { caller: caller_service, service, method, key, trace, sends_parts, .. } =
                    invocation;
                if let Some(trace) = trace {
                    tracing::debug!(%trace, %caller, %service, %method, "a call of a trace begins");
                }
                let (parts, reader) = (None, None);
                let call =
                    Call { caller, caller_service, method, key, trace, deadline, arguments, parts, reader };
                let checked = self.check_call(&service, &call);
                let answered = checked.and_then(|()| self.answer(&service, &call).transpose());
                let answered = match answered {
                    Ok(None) => self.run(run, &service, call, sends_parts).err().map(Err),
                    answered => answered.transpose(),
                };
                if let Some(result) = answered {
                    self.callee.finished(run, result, &mut self.effects.callee);
                }
            }
        }
    }

    fn run(
        &mut self,
        run: RunId,
        service: &ServiceId,
        call: Call,
        sends_parts: bool,
    ) -> Result<(), CallError> {
        let me = self.me.instance;
        let local = self.accepting(service)?;
        if call.method.is_private() && call.caller.instance != me {
            return Err(private(service, &call.method));
        }
        if !local.entry.methods.contains(&call.method) {
            return Err(no_method(service, &call.method));
        }
        local.check_leader(service, &call)?;
        if sends_parts && !local.with_parts.contains(&call.method) {
            let text = format!("method {} of service {service} takes no parts: call it without", call.method);
            return Err(CallError::new(CallErrorKind::BadArguments, text));
        }
        let (parts, arguments) = sends_parts.then(arguments_channel).unzip();
        if !local.send(ServiceInput::Run { run, call, arguments }) {
            let text = format!("the queue of service {service} is full; retry later");
            return Err(CallError::new(CallErrorKind::Overloaded, text));
        }
        local.running += 1;
        self.calls.runs.insert(run, service.clone());
        self.calls.argument_readers.extend(parts.map(|parts| (run, parts)));
        Ok(())
    }

    /// The service of a name, if it accepts calls.
    pub(super) fn accepting(&mut self, service: &ServiceId) -> Result<&mut LocalService, CallError> {
        let Some(local) = self.services.get_mut(service) else {
            let text = format!("node {} runs no service {service}", self.me.node);
            return Err(CallError::new(CallErrorKind::NoService, text));
        };
        if local.entry.state != ServiceState::Running {
            return Err(CallError::new(CallErrorKind::Draining, format!("service {service} is stopping")));
        }
        Ok(local)
    }

    /// Acknowledges the calls that have arrived and still run.
    pub(crate) fn acknowledge(&mut self) {
        self.callee.acknowledge(&mut self.effects.callee);
        self.settle();
    }

    /// Returns whether [`acknowledge`](Self::acknowledge) is due.
    pub(crate) fn owes_acknowledgements(&self) -> bool {
        self.callee.owes_acknowledgements()
    }

    /// Notes the results of methods that ran here. A run that is not known any more changes nothing.
    pub(super) fn finish_runs(&mut self, ends: Vec<(RunId, Result<Json, CallError>)>) {
        for (run, result) in ends {
            self.calls.waiting_parts.remove(&run);
            self.calls.argument_readers.remove(&run);
            if let Some(service) = self.calls.runs.remove(&run)
                && let Some(local) = self.services.get_mut(&service)
            {
                local.run_ended();
            }
            self.callee.finished(run, result, &mut self.effects.callee);
        }
    }
}

/// The error for a call that needs more services than there are.
fn too_few_listeners(call: &NewCall, listening: usize, needed: usize) -> CallError {
    let text = format!(
        "{listening} services listen on {}, fewer than the quorum of {needed}; none was called",
        call.address
    );
    CallError::new(CallErrorKind::NoService, text)
}
