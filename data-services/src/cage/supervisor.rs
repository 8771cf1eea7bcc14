use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use pubsub_api::{Error, ErrorKind, Result};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use tracing::{info, warn};

use super::stop_signal::Stop;
use super::{CagedService, CagedState, Service, ServiceConfig, ServiceKind, StopSignal};
use crate::{Node, ServiceHandle, ServiceState};

/// The pause before a failed service is started again; it doubles up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// A service that has run for this long counts as healthy: its next failure is followed by the first pause.
const HEALTHY_AFTER: Duration = Duration::from_secs(60);

/// How long a service that should stop may take; then it is aborted.
const STOP_WITHIN: Duration = Duration::from_secs(10);

/// What a supervisor is asked to do.
#[derive(Debug)]
enum Order {
    Reload(Box<dyn Service>, ServiceConfig, oneshot::Sender<Result<()>>),
    Stop(oneshot::Sender<Result<()>>),
}

/// Runs one service, and starts it again when it fails.
#[derive(Debug, Clone)]
pub(super) struct Supervisor {
    service: Arc<Mutex<CagedService>>,
    orders: mpsc::Sender<Order>,
}

impl Supervisor {
    /// Creates a service, starts it, and supervises it from then on.
    ///
    /// # Errors
    /// Those of the kind and of the node; then nothing runs.
    pub(super) async fn start(node: Node, config: ServiceConfig) -> Result<(Self, ServiceHandle)> {
        let service = ServiceKind::create_service(&config)?;
        let handle = declare(&node, &config, &*service).start().await?;
        let (orders, given) = mpsc::channel(1);
        let shared = Arc::new(Mutex::new(CagedService { config, state: CagedState::Running }));
        let task = Task { node, handle: handle.clone(), shared: Arc::clone(&shared), pause: FIRST_PAUSE };
        tokio::spawn(task.supervise(service, given));
        Ok((Self { service: shared, orders }, handle))
    }

    /// Returns the service with its state.
    pub(super) fn report(&self) -> CagedService {
        lock(&self.service).clone()
    }

    /// Whether the service has ended by itself: nobody obeys orders.
    pub(super) fn has_ended(&self) -> bool {
        lock(&self.service).state == CagedState::Ended
    }

    /// Replaces the service by one of a new configuration: the new one is created before the old one stops.
    ///
    /// # Errors
    /// Those of the kind, and then the old service continues; [`ErrorKind::NotFound`] if the service has ended by itself.
    pub(super) async fn reload(&self, config: ServiceConfig) -> Result<()> {
        let service = ServiceKind::create_service(&config)?;
        self.order(|reply| Order::Reload(service, config, reply)).await
    }

    /// Stops the service, within [`STOP_WITHIN`] for its code, after its calls have finished.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] if the service has ended by itself.
    pub(super) async fn stop(&self) -> Result<()> {
        self.order(Order::Stop).await
    }

    async fn order(&self, order: impl FnOnce(oneshot::Sender<Result<()>>) -> Order) -> Result<()> {
        let ended = || Error::new(ErrorKind::NotFound, "the service has ended by itself");
        let (reply, replied) = oneshot::channel();
        self.orders.send(order(reply)).await.map_err(|_| ended())?;
        replied.await.map_err(|_| ended())?
    }
}

/// The task of a supervisor.
struct Task {
    node: Node,
    handle: ServiceHandle,
    shared: Arc<Mutex<CagedService>>,
    pause: Duration,
}

/// The task of a run: it returns the service and its result.
type Running = JoinHandle<(Box<dyn Service>, Result<()>)>;

/// Why a run of a service is over.
enum Over {
    Ended,
    Failed(String),
    /// And the service, if its run has returned.
    Ordered(Order, Option<Box<dyn Service>>),
}

impl Task {
    async fn supervise(mut self, service: Box<dyn Service>, mut orders: mpsc::Receiver<Order>) {
        let mut next = Some(service);
        while let Some(service) = next.take() {
            let began = tokio::time::Instant::now();
            let over = self.run(service, &mut orders).await;
            if began.elapsed() >= HEALTHY_AFTER {
                self.pause = FIRST_PAUSE;
            }
            next = match over {
                Over::Ended => {
                    info!(id = "SK1002", service = %self.handle.id(), "a service has ended by itself");
                    self.end_for_good().await;
                    None
                }
                Over::Failed(reason) => self.restart(&reason, &mut orders).await,
                Over::Ordered(order, old) => self.obey(order, old).await,
            };
        }
    }

    /// Runs the service until it ends, fails, or an order comes; in the last case it has stopped.
    async fn run(&self, mut service: Box<dyn Service>, orders: &mut mpsc::Receiver<Order>) -> Over {
        let (stop, signal) = StopSignal::new();
        let handle = self.handle.clone();
        let mut running: Running = tokio::spawn(async move {
            let ended = service.run(handle, signal).await;
            (service, ended)
        });
        tokio::select! {
            ended = &mut running => match ended {
                Ok((_, Ok(()))) => Over::Ended,
                Ok((_, Err(error))) => Over::Failed(error.to_string()),
                Err(_) => Over::Failed("it panicked".to_owned()),
            },
            order = orders.recv() => {
                // Calls that run are finished first; new ones are refused.
                let _ = self.handle.drain().await;
                let Some(order) = order else {
                    self.end(&stop, Stop::End, running).await;
                    return Over::Ended;
                };
                let old = self.end(&stop, self.stop_for(&order), running).await;
                Over::Ordered(order, old)
            }
        }
    }

    /// A successor of another kind takes over nothing.
    fn stop_for(&self, order: &Order) -> Stop {
        match order {
            Order::Reload(_, config, _) if config.kind == lock(&self.shared).config.kind => Stop::Replaced,
            _ => Stop::End,
        }
    }

    /// Ends a run; returns the service if it has ended in time.
    async fn end(
        &self,
        stop: &watch::Sender<Option<Stop>>,
        why: Stop,
        mut running: Running,
    ) -> Option<Box<dyn Service>> {
        stop.send_replace(Some(why));
        match tokio::time::timeout(STOP_WITHIN, &mut running).await {
            Ok(ended) => ended.ok().map(|(service, _)| service),
            Err(_) => {
                warn!(id = "SK1003", service = %self.handle.id(), "a service did not stop within {STOP_WITHIN:?} and is aborted");
                running.abort();
                None
            }
        }
    }

    /// After a failure: waits, and creates the service again. An order is obeyed at once.
    async fn restart(
        &mut self,
        reason: &str,
        orders: &mut mpsc::Receiver<Order>,
    ) -> Option<Box<dyn Service>> {
        let mut reason = reason.to_owned();
        loop {
            let pause = self.pause;
            warn!(id = "SK1001", service = %self.handle.id(), reason, "a service failed; it starts again in {pause:?}");
            self.note(CagedState::Restarting { error: reason.clone() });
            let _ = self.handle.set_state(ServiceState::Restarting).await;
            self.pause = (pause * 2).min(LONGEST_PAUSE);
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                order = orders.recv() => return self.obey(order?, None).await,
            }
            match self.replace_old().await {
                Ok(service) => return Some(service),
                Err(error) => reason = error.to_string(),
            }
        }
    }

    /// Obeys an order; `old` is the service whose run has ended for it.
    async fn obey(&mut self, order: Order, old: Option<Box<dyn Service>>) -> Option<Box<dyn Service>> {
        match order {
            Order::Stop(reply) => {
                drop(reply.send(self.handle.stop().await));
                None
            }
            Order::Reload(service, config, reply) => {
                let old = old.filter(|_| config.kind == lock(&self.shared).config.kind);
                let started = declare(&self.node, &config, &*service).replace().await;
                let state = CagedState::Running;
                let result = started.map(|_| *lock(&self.shared) = CagedService { config, state });
                let is_started = result.is_ok();
                drop(reply.send(result));
                // The old run is over: without a valid successor, the service starts again with its old configuration.
                let next = if is_started { Ok(service) } else { self.replace_old().await };
                match next {
                    Ok(mut service) => {
                        if let Some(old) = old {
                            service.take_over(old);
                        }
                        Some(service)
                    }
                    Err(error) => {
                        warn!(id = "SK1004", service = %self.handle.id(), "a service cannot go on after a reload that failed: {error}");
                        self.end_for_good().await;
                        None
                    }
                }
            }
        }
    }

    /// Creates and declares the service of the present configuration.
    async fn replace_old(&self) -> Result<Box<dyn Service>> {
        let config = lock(&self.shared).config.clone();
        let service = ServiceKind::create_service(&config)?;
        declare(&self.node, &config, &*service).replace().await?;
        self.note(CagedState::Running);
        Ok(service)
    }

    async fn end_for_good(&self) {
        // The node may have left its bus.
        let _ = self.handle.stop().await;
        self.note(CagedState::Ended);
    }

    fn note(&self, state: CagedState) {
        lock(&self.shared).state = state;
    }
}

fn declare(node: &Node, config: &ServiceConfig, service: &dyn Service) -> crate::ServiceBuilder {
    let builder = node.service(config.id.clone());
    let builder = if config.active_standby { builder.active_standby() } else { builder };
    let builder = config.addresses.iter().fold(builder, |builder, address| builder.address(address.clone()));
    service.declare(builder)
}

fn lock(service: &Mutex<CagedService>) -> MutexGuard<'_, CagedService> {
    // Nothing panics while the lock is held.
    service.lock().unwrap_or_else(PoisonError::into_inner)
}
