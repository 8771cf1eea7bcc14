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
use super::{Endpoint, Login};

/// One server, and the connection to it.
pub(super) struct Server {
    endpoint: Endpoint,
    /// Whether a cluster announces it, and the settings do not name it.
    is_announced: bool,
    link: Mutex<Option<Link>>,
    connecting: sync::Mutex<()>,
    /// What it reported last.
    pub(super) report: Mutex<Option<Report>>,
    /// Its run and the number of its keys, when a listing last covered it.
    pub(super) listed: Mutex<Option<(String, u64)>>,
}

/// What is sent in one piece.
pub(super) enum Parcel<'a> {
    /// One command.
    One(&'a Cmd),
    /// Several; an answer each.
    Many(&'a Pipeline),
}

/// Why no answers came.
pub(super) struct Lost {
    /// Whether the server may have done what it was sent.
    pub(super) sent: bool,
    /// In words; of [`ErrorKind::Settings`] if trying again is in vain.
    pub(super) error: Error,
}

/// Until when, and how much of it may go into connecting.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    pub(super) deadline: Instant,
    pub(super) connect: Duration,
    /// After how long TCP gives up.
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

    /// One that a cluster announces.
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

    /// Sends, and waits for the answers.
    pub(super) async fn ask(
        &self,
        parcel: Parcel<'_>,
        login: &Login,
        limits: Limits,
        counters: &Counters,
    ) -> Result<Vec<Value>, Lost> {
        let link = self.link(login, limits, counters).await?;
        self.ask_on(link, parcel, login, limits, counters).await
    }

    /// A connection, for several questions that one process of the server must answer.
    pub(super) async fn link(
        &self,
        login: &Login,
        limits: Limits,
        counters: &Counters,
    ) -> Result<Link, Lost> {
        self.connect(login, limits, counters).await.map_err(|error| {
            let is_far = self.is_announced && error.kind() == ErrorKind::Unavailable;
            let error =
                if is_far { error.context("at an address that the cluster announces") } else { error };
            Lost { sent: false, error }
        })
    }

    /// The same as [`ask`](Self::ask), on a connection that does not end unnoticed and begin again in between.
    pub(super) async fn ask_on(
        &self,
        mut link: Link,
        parcel: Parcel<'_>,
        login: &Login,
        limits: Limits,
        counters: &Counters,
    ) -> Result<Vec<Value>, Lost> {
        let exchange = async {
            match parcel {
                Parcel::One(cmd) => {
                    counters.commands.add(1);
                    link.connection.send_packed_command(cmd).await.map(|value| vec![value])
                }
                Parcel::Many(pipeline) => {
                    counters.commands.add(pipeline.len() as u64);
                    link.connection.send_packed_commands(pipeline, 0, pipeline.len()).await
                }
            }
        };
        let error = match timeout_at(limits.deadline, exchange).await {
            Ok(Ok(answers)) => return Ok(answers),
            Ok(Err(error)) if error.kind() == redis::ErrorKind::Parse => not_redis(&self.endpoint, login),
            Ok(Err(error)) => {
                let text = format!("the connection to {} was lost before the answer", self.endpoint);
                Error::new(ErrorKind::Unavailable, text).with_source(error)
            }
            Err(_) => Error::new(
                ErrorKind::Unavailable,
                format!("{} did not answer in time (drivers.redis.timeout)", self.endpoint),
            ),
        };
        // After a silence nobody knows whether the connection is still one: the next call makes another.
        self.retire(&link);
        Err(Lost { sent: true, error })
    }

    /// Closes the connection, once nobody waits for an answer on it.
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

    /// The connection; if there is none, one caller makes it and the others wait.
    async fn connect(&self, login: &Login, limits: Limits, counters: &Counters) -> Result<Link, Error> {
        if let Some(link) = self.current() {
            return Ok(link);
        }
        let connecting = async {
            let _one = self.connecting.lock().await;
            if let Some(link) = self.current() {
                return Ok(link);
            }
            let link = Link::connect(&self.endpoint, login, limits.silence).await?;
            counters.connected.add(1);
            self.note(link.report(), counters);
            *self.link.lock().unwrap_or_else(PoisonError::into_inner) = Some(link.clone());
            Ok(link)
        };
        let until = limits.deadline.min(Instant::now() + limits.connect);
        timeout_at(until, connecting).await.unwrap_or_else(|_| {
            // A server without TLS waits for the end of a line, which the beginning of TLS is not.
            let more = if login.tls().is_some() { ": if it listens, does it speak TLS?" } else { "" };
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
