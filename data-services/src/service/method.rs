use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use serde_json::Value as Json;
use tokio::time::Instant;

use super::call::{Call, Handler, Running};
use crate::CallError;

/// A method of a running service.
///
/// A call begins with one poll of its handler: one that ends by it needs no task. A poll that takes longer than [`LONG`] holds
/// up the other calls of the service, so the next [`TASKS`] calls of that method are tasks from their beginning.
pub(super) struct Method {
    handler: Handler,
    /// The number of calls that are tasks from their beginning.
    tasks: u32,
}

/// The first poll of a handler that waits for something takes some microseconds.
const LONG: Duration = Duration::from_micros(200);

/// A handler that always computes for long holds up others once in this number of calls.
const TASKS: u32 = 1_000;

/// How a call has begun.
pub(super) enum Begun {
    /// It has ended.
    Ended(Result<Json, CallError>),
    /// It goes on.
    Running(Running),
    /// Its handler panicked.
    Panicked,
}

impl Method {
    pub(super) fn new(handler: Handler) -> Self {
        Self { handler, tasks: 0 }
    }

    /// Begins a call. `now` is the time, which moves on.
    pub(super) fn begin(&mut self, now: &mut Instant, call: Call) -> Begun {
        if self.tasks > 0 {
            self.tasks -= 1;
            let handler = self.handler.clone();
            return Begun::Running(Box::pin(async move { handler.run(call).await }));
        }
        let begun = catch_unwind(AssertUnwindSafe(|| first_poll(&self.handler, call)));
        let began = std::mem::replace(now, Instant::now());
        if now.saturating_duration_since(began) > LONG {
            self.tasks = TASKS;
        }
        begun.unwrap_or(Begun::Panicked)
    }
}

fn first_poll(handler: &Handler, call: Call) -> Begun {
    let mut running = handler.run(call);
    // A task polls it again at once, with a waker of its own.
    match running.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(result) => Begun::Ended(result),
        Poll::Pending => Begun::Running(running),
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;
    use std::time::Duration;

    use serde_json::{Value as Json, json};
    use tokio::time::Instant;

    use super::{Begun, LONG, Method, TASKS};
    use crate::service::{Call, Handler};
    use crate::{CallError, Instance, MethodId, NodeId, NodeInstance, ServiceId};

    fn call() -> Call {
        let node = NodeId::new("node-1").unwrap();
        Call {
            caller: NodeInstance { node, instance: Instance::of(1), boot: 1 },
            caller_service: ServiceId::new("caller").unwrap(),
            method: MethodId::new("method").unwrap(),
            key: None,
            trace: None,
            deadline: Duration::from_secs(60),
            arguments: json!(7),
            parts: None,
            reader: None,
        }
    }

    fn begin(method: &mut Method) -> Begun {
        method.begin(&mut Instant::now(), call())
    }

    /// Begins a call as if its first poll had taken for long.
    fn begin_slowly(method: &mut Method) -> Begun {
        method.begin(&mut (Instant::now() - 2 * LONG), call())
    }

    #[test]
    fn a_handler_that_does_not_wait_ends_at_once_and_one_that_waits_goes_on() {
        let mut echo = Method::new(Handler::new(|call: Call| async move { Ok(call.json().clone()) }));
        assert!(matches!(begin(&mut echo), Begun::Ended(Ok(result)) if result == json!(7)));
        let mut waits = Method::new(Handler::new(|_| pending::<Result<Json, CallError>>()));
        assert!(matches!(begin(&mut waits), Begun::Running(_)));
    }

    #[test]
    fn a_handler_that_panics_ends_nothing_else() {
        let mut panics = Method::new(Handler::new(|call: Call| async move {
            assert_eq!(call.json(), &json!(8), "the panic of the test");
            Ok(())
        }));
        assert!(matches!(begin(&mut panics), Begun::Panicked));
    }

    #[test]
    fn calls_of_a_handler_that_computes_for_long_are_tasks() {
        let mut slow = Method::new(Handler::new(|_| async { Ok(()) }));
        assert!(matches!(begin_slowly(&mut slow), Begun::Ended(Ok(_))));
        for _ in 0..TASKS {
            let Begun::Running(running) = begin(&mut slow) else { panic!("it has run") };
            drop(running);
        }
        assert!(matches!(begin_slowly(&mut slow), Begun::Ended(Ok(_))));
    }
}
