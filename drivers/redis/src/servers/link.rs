use std::sync::Arc;
use std::time::Duration;

use pubsub_api::{Error, ErrorKind};
use redis::AsyncConnectionConfig;
use redis::aio::MultiplexedConnection;
use tokio::task::JoinHandle;

use super::report::Report;
use super::tls::Tls;
use super::{Endpoint, Login, dial};

/// A connection that all callers share; it is closed when the last of them drops it.
#[derive(Debug, Clone)]
pub(super) struct Link {
    pub(super) connection: MultiplexedConnection,
    task: Arc<Task>,
}

/// The task that writes and reads, which ends when the connection does.
#[derive(Debug)]
struct Task(JoinHandle<()>);

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Link {
    /// Connects, logs in, and asks what the server is. The caller bounds the time; `silence` is after how long TCP gives up a peer that acknowledges
    /// nothing.
    ///
    /// # Errors
    /// [`ErrorKind::Settings`] if the server refuses the password or is Sentinel, else as of [`dial`] or
    /// [`ErrorKind::Unavailable`], also if it is a replica alone that is not synchronized with its master.
    pub(super) async fn connect(
        endpoint: &Endpoint,
        login: &Login,
        silence: Duration,
    ) -> Result<Self, Error> {
        let stream = dial(endpoint, login, silence).await?;
        // Deadlines are the callers'.
        let config = AsyncConnectionConfig::new().set_response_timeout(None).set_connection_timeout(None);
        let logged_in = MultiplexedConnection::new_with_config(login.info(), stream, config).await;
        let (connection, driver) = logged_in.map_err(|error| refusal(endpoint, login, &error))?;
        let mut link = Self { connection, task: Arc::new(Task(tokio::spawn(driver))) };
        // The kernel accepts connections for a server that hangs. Whatever is answered shows that it lives; and before that
        // no write is sent, so none is in doubt.
        let role = link.ask(&redis::cmd("ROLE")).await.map_err(|error| refusal(endpoint, login, &error))?;
        let info = link.ask(&redis::cmd("INFO")).await.map_err(|error| refusal(endpoint, login, &error))?;
        match Report::read(&role, &info).refusal(endpoint) {
            Some(refused) => Err(refused),
            None => Ok(link),
        }
    }

    async fn ask(&mut self, command: &redis::Cmd) -> redis::RedisResult<redis::Value> {
        self.connection.send_packed_command(command).await
    }

    /// Whether the connection is there, as far as is known.
    pub(super) fn is_up(&self) -> bool {
        !self.task.0.is_finished()
    }

    /// Whether this is the same connection.
    pub(super) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.task, &other.task)
    }
}

/// What the server said is left out on purpose: one that does not know AUTH repeats its arguments, which are the password.
fn refusal(endpoint: &Endpoint, login: &Login, error: &redis::RedisError) -> Error {
    match error.kind() {
        redis::ErrorKind::AuthenticationFailed => Error::new(
            ErrorKind::Settings,
            format!(
                "{endpoint} refuses the password for {}: look at drivers.redis.user and what {} holds",
                login.who(),
                login.password_setting()
            ),
        ),
        redis::ErrorKind::Parse => not_redis(endpoint, login),
        _ => Error::new(
            ErrorKind::Unavailable,
            format!("{endpoint} closed the connection at the beginning: {}", hint(login)),
        ),
    }
}

/// That what answers is something else.
pub(super) fn not_redis(endpoint: &Endpoint, login: &Login) -> Error {
    let more = if login.tls().is_none() { "; does it want TLS? set drivers.redis.tls" } else { "" };
    let text = format!(
        "what listens at {endpoint} does not speak the protocol of Redis: look at drivers.redis.hosts{more}"
    );
    Error::new(ErrorKind::Unavailable, text)
}

fn hint(login: &Login) -> &'static str {
    login.tls().map_or("does it want TLS? set drivers.redis.tls", Tls::hint)
}
