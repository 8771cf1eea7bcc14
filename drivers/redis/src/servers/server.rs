use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use pubsub_api::{Error, ErrorKind, PeerReading};
use redis::{Cmd, Pipeline, Value};
use tokio::sync;
use tokio::time::{Instant, timeout_at};

use super::counters::Counters;
use super::link::{Link, not_redis};
use super::report::Report;
use super::{Credentials, Endpoint};

/// One server, and the connection to it.
pub(super) struct Server {
    endpoint: Endpoint,
    /// Whether the cluster announces it and the settings do not name it.
    is_announced: bool,
    link: Mutex<Option<Link>>,
    connecting: sync::Mutex<()>,
    /// Its last report.
    pub(super) report: Mutex<Option<Report>>,
    /// Its run id and the number of its keys at the last listing.
    pub(super) listed: Mutex<Option<(String, u64)>>,
}

/// What is sent in one piece.
pub(super) enum Request<'a> {
    /// One command.
    One(&'a Cmd),
    /// Several commands, each with its answer.
    Many(&'a Pipeline),
}

/// Why there is no answer.
pub(super) struct Lost {
    /// Whether the server may have executed the commands.
    pub(super) sent: bool,
    /// The error; its kind is [`ErrorKind::Settings`] if a retry does not help.
    pub(super) error: Error,
}

/// The time limits of a request.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    pub(super) deadline: Instant,
    pub(super) connect: Duration,
    /// Time after which TCP gives up.
    pub(super) silence: Duration,
}

impl Server {
    pub(super) fn new(endpoint: Endpoint) -> Self {
        Self {
            endpoint,
            is_announced: false,
            link: Mutex::new(None),
            connecting: sync::Mutex::new(()),
            report: Mutex::new(None),
            listed: Mutex::new(None),
        }
    }

    /// A server that the cluster announces.
    pub(super) fn announced(endpoint: Endpoint) -> Self {
        Self { is_announced: true, ..Self::new(endpoint) }
    }

    pub(super) fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// Whether it is connected, as far as is known.
    pub(super) fn is_up(&self) -> bool {
        self.current().is_some()
    }

    pub(super) fn reading(&self) -> PeerReading {
        let mut state = if self.is_up() { "up" } else { "down" }.to_owned();
        let report = self.report.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(risk) = report.as_ref().and_then(|report| report.eviction.as_ref()?.state()) {
            state = format!("{state}, {risk}");
        }
        PeerReading { endpoint: self.endpoint.to_string(), state }
    }

    /// Sends the commands, and waits for the answers.
    pub(super) async fn ask(
        &self,
        parcel: Request<'_>,
        credentials: &Credentials,
        limits: Limits,
        counters: &Counters,
    ) -> Result<Vec<Value>, Lost> {
        let link = self.link(credentials, limits, counters).await?;
        self.ask_on(link, parcel, credentials, limits, counters).await
    }

    /// A connection for several requests that must reach the same process of the server.
    pub(super) async fn link(
        &self,
        credentials: &Credentials,
        limits: Limits,
        counters: &Counters,
    ) -> Result<Link, Lost> {
        self.connect(credentials, limits, counters).await.map_err(|error| {
            let is_far = self.is_announced && error.kind() == ErrorKind::Unavailable;
            let error =
                if is_far { error.context("at an address that the cluster announces") } else { error };
            Lost { sent: false, error }
        })
    }

    /// As [`ask`](Self::ask), on a given connection: a reconnect in between is an error.
    pub(super) async fn ask_on(
        &self,
        mut link: Link,
        parcel: Request<'_>,
        credentials: &Credentials,
        limits: Limits,
        counters: &Counters,
    ) -> Result<Vec<Value>, Lost> {
        let exchange = async {
            match parcel {
                Request::One(cmd) => {
                    counters.commands.add(1);
                    link.connection.send_packed_command(cmd).await.map(|value| vec![value])
                }
                Request::Many(pipeline) => {
                    counters.commands.add(pipeline.len() as u64);
                    link.connection.send_packed_commands(pipeline, 0, pipeline.len()).await
                }
            }
        };
        let error = match timeout_at(limits.deadline, exchange).await {
            Ok(Ok(answers)) => return Ok(answers),
            Ok(Err(error)) if error.kind() == redis::ErrorKind::Parse => {
                not_redis(&self.endpoint, &credentials.last())
            }
            Ok(Err(error)) => {
                let text = format!("the connection to {} was lost before the answer", self.endpoint);
                Error::new(ErrorKind::Unavailable, text).with_source(error)
            }
            Err(_) => Error::new(
                ErrorKind::Unavailable,
                format!("{} did not answer in time (drivers.redis.timeout)", self.endpoint),
            ),
        };
        // After a timeout the connection may be dead: the next call opens another.
        self.retire(&link);
        Err(Lost { sent: true, error })
    }

    /// Closes the connection after the pending answers.
    pub(super) fn close(&self) {
        *self.link.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn current(&self) -> Option<Link> {
        let link = self.link.lock().unwrap_or_else(PoisonError::into_inner);
        link.as_ref().filter(|link| link.is_up()).cloned()
    }

    fn retire(&self, link: &Link) {
        let mut current = self.link.lock().unwrap_or_else(PoisonError::into_inner);
        if current.as_ref().is_some_and(|current| current.is(link)) {
            *current = None;
        }
    }

    /// The connection; if there is none, one caller opens it and the others wait.
    async fn connect(
        &self,
        credentials: &Credentials,
        limits: Limits,
        counters: &Counters,
    ) -> Result<Link, Error> {
        if let Some(link) = self.current() {
            return Ok(link);
        }
        let connecting = async {
            let _one = self.connecting.lock().await;
            if let Some(link) = self.current() {
                return Ok(link);
            }
            let login = credentials.for_connection();
            let link = Link::connect(&self.endpoint, &login, limits.silence).await?;
            counters.connected.add(1);
            self.note(link.report(), counters);
            *self.link.lock().unwrap_or_else(PoisonError::into_inner) = Some(link.clone());
            Ok(link)
        };
        let until = limits.deadline.min(Instant::now() + limits.connect);
        timeout_at(until, connecting).await.unwrap_or_else(|_| {
            // A server without TLS waits for the end of a line, which a TLS handshake does not contain.
            let more = if credentials.last().tls().is_some() {
                ": check that it listens and speaks TLS"
            } else {
                ""
            };
            let text = format!(
                "{} did not accept a connection in time (drivers.redis.timeout){more}",
                self.endpoint
            );
            Err(Error::new(ErrorKind::Unavailable, text))
        })
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("endpoint", &self.endpoint).field("is_up", &self.is_up()).finish()
    }
}
