use std::fmt;
use std::future::Future;
use std::num::NonZeroUsize;
use std::panic::resume_unwind;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value as Json;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;
use tokio::time::Instant;
use tracing::{Instrument, Span, info_span};

use super::part_reader::PartReader;
use super::part_sender::PartSender;
use crate::{CallError, CallErrorKind, IdempotencyKey, MethodId, NodeInstance, ServiceId, TraceId};

/// A call of a method, as its handler receives it.
#[derive(Debug, Clone)]
pub struct Call {
    /// The node of the caller.
    pub caller: NodeInstance,
    /// The service that calls, as its node names it: nothing proves it.
    pub caller_service: ServiceId,
    /// The method.
    pub method: MethodId,
    /// The key of the call, if it has one ([`Delivery`](crate::Delivery)).
    pub key: Option<IdempotencyKey>,
    /// The trace that the call belongs to, if it has one: what the method logs has it, and calls that the method makes may
    /// [pass it on](crate::CallOptions::traced).
    pub trace: Option<TraceId>,
    /// The time that the caller waits for the result, from now.
    pub deadline: Duration,
    pub(crate) arguments: Json,
    /// The way of the parts of the result; the task of the service sets it.
    pub(crate) parts: Option<PartSender>,
    /// The parts of the arguments, if the caller sends any; the task of the service sets it.
    pub(crate) reader: Option<Arc<PartReader>>,
}

impl Call {
    /// Reads the arguments into a type of the handler.
    ///
    /// # Errors
    /// [`CallErrorKind::BadArguments`] with the reason, for the caller: return it with `?`.
    pub fn arguments<T: DeserializeOwned>(&self) -> Result<T, CallError> {
        T::deserialize(&self.arguments).map_err(|error| {
            let text = format!("method {} cannot use its arguments: {error}", self.method);
            CallError::new(CallErrorKind::BadArguments, text)
        })
    }

    /// Sends a part of the result to a caller that [reads parts](crate::ServiceHandle::call_stream), and waits while the caller
    /// cannot receive it: at most 16 parts are on their way or wait for the reader.
    ///
    /// # Errors
    /// For the caller: return it with `?`. [`CallErrorKind::BadArguments`] if the caller reads no parts;
    /// [`CallErrorKind::Remote`] if the part is not JSON or has more than 256 KiB; [`CallErrorKind::Overloaded`] if parts of
    /// all calls of the node together have 64 MiB and have not arrived; [`CallErrorKind::Cancelled`] if nobody waits for the
    /// call.
    pub async fn send_part(&self, part: impl Serialize) -> Result<(), CallError> {
        let part = serde_json::to_value(part).map_err(|error| {
            CallError::new(CallErrorKind::Remote, format!("a part of the result cannot be sent: {error}"))
        })?;
        match &self.parts {
            Some(parts) => parts.send(part).await,
            None => Err(CallError::new(CallErrorKind::Cancelled, "the call does not run")),
        }
    }

    /// Returns the next part of the arguments that the caller [sends](crate::CallUpload::send), in a method that is declared as
    /// [with parts](crate::ServiceBuilder::method_with_parts), and waits for it. `None` after the last one, and for a caller that sends
    /// none. Clones of the call share the parts: each is returned once.
    ///
    /// # Errors
    /// For the caller: return it with `?`. [`CallErrorKind::Cancelled`] if nobody sends the rest.
    ///
    /// # Cancel safety
    /// If the future is dropped, no part is lost.
    pub async fn next_part(&self) -> Result<Option<Json>, CallError> {
        match &self.reader {
            Some(reader) => reader.next().await,
            None => Ok(None),
        }
    }

    /// Returns the arguments as JSON.
    #[must_use]
    pub fn json(&self) -> &Json {
        &self.arguments
    }
}

/// The future of a handler.
pub(super) type Running = Pin<Box<dyn Future<Output = Result<Json, CallError>> + Send>>;

/// A method of a service.
#[derive(Clone)]
pub(crate) struct Handler(Arc<dyn Fn(Call) -> Running + Send + Sync>);

impl Handler {
    pub(crate) fn new<F, Fut, T>(handler: F) -> Self
    where
        F: Fn(Call) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<T, CallError>> + Send + 'static,
        T: Serialize,
    {
        Self(Arc::new(move |call| {
            let running = handler(call);
            Box::pin(async move {
                let result = running.await?;
                serde_json::to_value(result).map_err(|error| {
                    CallError::new(CallErrorKind::Remote, format!("the result cannot be sent: {error}"))
                })
            })
        }))
    }

    /// A handler that blocks its thread, of which at most `at_once` run.
    pub(crate) fn blocking<F, T>(at_once: NonZeroUsize, handler: F) -> Self
    where
        F: Fn(Call) -> Result<T, CallError> + Send + Sync + 'static,
        T: Serialize + Send + 'static,
    {
        let handler = Arc::new(handler);
        let places = Arc::new(Semaphore::new(at_once.get().min(Semaphore::MAX_PERMITS)));
        Self::new(move |mut call| {
            let (handler, places) = (Arc::clone(&handler), Arc::clone(&places));
            async move {
                let began = Instant::now();
                // It is never closed; without a place the call would only be one too many.
                let place = places.acquire_owned().await.ok();
                call.deadline = call.deadline.saturating_sub(began.elapsed());
                let span = Span::current();
                let running = spawn_blocking(move || {
                    let result = span.in_scope(|| handler(call));
                    // A call that was cancelled has its place until it ends.
                    drop(place);
                    result
                });
                running.await.unwrap_or_else(|error| match error.try_into_panic() {
                    Ok(panic) => resume_unwind(panic),
                    Err(error) => Err(CallError::new(CallErrorKind::Cancelled, error.to_string())),
                })
            }
        })
    }

    pub(crate) fn run(&self, call: Call) -> Running {
        let Some(trace) = call.trace else { return (self.0)(call) };
        let span = info_span!("call", %trace, method = %call.method);
        let running = span.in_scope(|| (self.0)(call));
        Box::pin(running.instrument(span))
    }
}

impl fmt::Debug for Handler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Handler")
    }
}
