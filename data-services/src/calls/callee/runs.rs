use std::collections::BTreeMap;

use super::RunId;
use crate::calls::call_options::CallOptions;
use crate::{CallError, CallErrorKind, Instance, ServiceId};

/// The methods that run on this node.
#[derive(Debug, Default)]
pub(super) struct Runs {
    runs: BTreeMap<RunId, Run>,
    per_service: BTreeMap<ServiceId, usize>,
    bytes: usize,
    last: u64,
}

/// A method that runs.
#[derive(Debug, Clone)]
pub(super) struct Run {
    pub(super) caller: Instance,
    pub(super) number: u64,
    pub(super) service: ServiceId,
    /// The length of the arguments.
    pub(super) bytes: usize,
}

impl Runs {
    /// Returns whether one more run is within the bounds.
    ///
    /// # Errors
    /// [`CallErrorKind::Overloaded`], with the bound.
    pub(super) fn check(
        &self,
        service: &ServiceId,
        bytes: usize,
        options: &CallOptions,
    ) -> Result<(), CallError> {
        let of_service = self.of_service(service);
        let text = if of_service >= options.running_per_service {
            format!("{service} runs {of_service} calls, which is the maximum")
        } else if self.len() >= options.running_calls {
            format!("the node of {service} runs {} calls, which is the maximum", self.len())
        } else if self.bytes + bytes > options.running_bytes {
            format!("the node of {service} runs calls with arguments of {} bytes", self.bytes)
        } else {
            return Ok(());
        };
        Err(CallError::new(CallErrorKind::Overloaded, format!("{text}: call again later")))
    }

    /// Notes a method that starts, and numbers it. [`check`](Self::check) it first: no bound is checked here.
    pub(super) fn start(&mut self, run: Run) -> RunId {
        self.last += 1;
        self.bytes += run.bytes;
        *self.per_service.entry(run.service.clone()).or_default() += 1;
        let id = RunId(self.last);
        self.runs.insert(id, run);
        id
    }

    /// Forgets a method that has ended, and returns it; `None` if it is not known.
    pub(super) fn end(&mut self, id: RunId) -> Option<Run> {
        let run = self.runs.remove(&id)?;
        self.bytes -= run.bytes;
        if let Some(count) = self.per_service.get_mut(&run.service) {
            *count -= 1;
            if *count == 0 {
                self.per_service.remove(&run.service);
            }
        }
        Some(run)
    }

    /// The call of a run: its caller and number.
    pub(super) fn call_of(&self, id: RunId) -> Option<(Instance, u64)> {
        self.runs.get(&id).map(|run| (run.caller, run.number))
    }

    /// The runs of a service.
    pub(super) fn ids_of(&self, service: &ServiceId) -> Vec<RunId> {
        self.runs.iter().filter(|(_, run)| run.service == *service).map(|(id, _)| *id).collect()
    }

    /// The number of methods of a service that run.
    pub(super) fn of_service(&self, service: &ServiceId) -> usize {
        self.per_service.get(service).copied().unwrap_or(0)
    }

    /// The number of methods that run.
    pub(super) fn len(&self) -> usize {
        self.runs.len()
    }
}
