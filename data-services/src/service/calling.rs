use serde::Serialize;
use serde_json::Value as Json;

use crate::node::NewCall;
use crate::{Address, CallError, CallErrorKind, CallOptions, CallResult, MethodId, ServiceHandle};

/// The calls of a service.
impl ServiceHandle {
    /// Calls a method of one service that listens on `address`; one on this node is preferred
    /// ([`InstanceChoice`](crate::InstanceChoice)).
    ///
    /// The deadline is [`call_timeout`](crate::NodeOptions::call_timeout) unless [`call_with`](Self::call_with) sets another
    /// one. Arguments and the result have at most 256 KiB as JSON, and 64 levels.
    ///
    /// # Errors
    /// [`CallError`], by [kind](CallErrorKind); [`CallError::may_have_run`] reports whether the method may have had an effect.
    ///
    /// # Cancel safety
    /// If the future is dropped, the call is cancelled at the callee; it may have run.
    pub async fn call(
        &self,
        address: &str,
        method: &str,
        arguments: impl Serialize,
    ) -> Result<Json, CallError> {
        self.call_with(address, method, arguments, CallOptions::default()).await
    }

    /// Calls as [`call`](Self::call) does, with options.
    ///
    /// # Errors
    /// As `call`.
    ///
    /// # Cancel safety
    /// As `call`.
    pub async fn call_with(
        &self,
        address: &str,
        method: &str,
        arguments: impl Serialize,
        options: CallOptions,
    ) -> Result<Json, CallError> {
        let trace = options.trace;
        let call = self.new_call(address, method, arguments, options).map_err(|error| error.traced(trace))?;
        self.node().call(call).await.map_err(|error| error.traced(trace))
    }

    /// Calls a method of every service that listens on `address`, and returns the result of each; an empty list if nobody
    /// listens.
    ///
    /// The results have the order of their arrival. It waits for all of them, at most for the deadline of a call.
    ///
    /// # Errors
    /// [`CallErrorKind::BadArguments`] for an invalid address, method or arguments, and for
    /// [`Delivery::Retried`](crate::Delivery::Retried). The error of one callee is in its result.
    ///
    /// # Cancel safety
    /// As [`call`](Self::call).
    pub async fn call_all(
        &self,
        address: &str,
        method: &str,
        arguments: impl Serialize,
    ) -> Result<Vec<CallResult>, CallError> {
        self.call_all_with(address, method, arguments, CallOptions::default()).await
    }

    /// Calls as [`call_all`](Self::call_all) does. With a [`quorum`](CallOptions::quorum) it returns as soon as that number of
    /// services has returned a result, and cancels the calls that have not ended; if fewer succeed, it returns every result.
    ///
    /// # Errors
    /// As `call_all`; [`CallErrorKind::NoService`] if fewer services listen than the quorum: none is called then.
    ///
    /// # Cancel safety
    /// As [`call`](Self::call), for every service.
    pub async fn call_all_with(
        &self,
        address: &str,
        method: &str,
        arguments: impl Serialize,
        options: CallOptions,
    ) -> Result<Vec<CallResult>, CallError> {
        let trace = options.trace;
        let called = match self.new_call(address, method, arguments, options) {
            Ok(call) => self.node().call_all(call).await,
            Err(error) => Err(error),
        };
        let traced = |one: CallResult| {
            let result = one.result.map_err(|error| error.traced(trace));
            CallResult { result, ..one }
        };
        let results = called.map_err(|error| error.traced(trace))?;
        Ok(results.into_iter().map(traced).collect())
    }

    pub(crate) fn new_call(
        &self,
        address: &str,
        method: &str,
        arguments: impl Serialize,
        options: CallOptions,
    ) -> Result<NewCall, CallError> {
        let invalid = |text: String| CallError::new(CallErrorKind::BadArguments, text);
        Ok(NewCall {
            caller: self.id().clone(),
            node: options.node,
            address: Address::new(address).map_err(|error| invalid(error.to_string()))?,
            method: MethodId::new(method).map_err(|error| invalid(error.to_string()))?,
            arguments: serde_json::to_value(arguments)
                .map_err(|error| invalid(format!("the arguments must be JSON: {error}")))?,
            deadline: options.deadline.unwrap_or(self.node().options().call_timeout),
            choice: options.choice,
            quorum: options.quorum,
            delivery: options.delivery,
            window: 0,
            sends_parts: false,
            trace: options.trace,
        })
    }
}
