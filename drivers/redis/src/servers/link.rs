use std::sync::Arc;
use std::time::Duration;

use pubsub_api::{Error, ErrorKind};
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Cmd, Value, cmd};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::refusal::not_let_in;
use super::report::Report;
use super::tls::Tls;
use super::{Endpoint, Login, dial};

/// How long a server may take that says something without being asked: it does so as soon as it accepts a connection.
const GREETING: Duration = Duration::from_millis(200);

/// A connection that all callers share; it is closed when the last of them drops it.
#[derive(Debug, Clone)]
pub(super) struct Link {
    pub(super) connection: MultiplexedConnection,
    task: Arc<Task>,
    report: Arc<Report>,
}

/// The task that writes and reads, which ends when the connection does.
#[derive(Debug)]
struct Task(JoinHandle<()>);

/// Why there is no connection.
enum Failure {
    /// In words.
    Refused(Error),
    /// It ended, or what came is not Redis.
    Lost(redis::RedisError),
}

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Link {
    /// Connects, logs in, and asks what the server is. The caller bounds the time; `silence` is after how long TCP gives up a
    /// peer that acknowledges nothing.
    ///
    /// # Errors
    /// [`ErrorKind::Settings`] if the server refuses the password or is Sentinel, else as of [`dial`] or
    /// [`ErrorKind::Unavailable`], also if it is a replica alone that is not synchronized with its master.
    pub(super) async fn connect(
        endpoint: &Endpoint,
        login: &Login,
        silence: Duration,
    ) -> Result<Self, Error> {
        match Self::begin(endpoint, login, silence).await {
            Ok(link) => Ok(link),
            Err(Failure::Refused(error)) => Err(error),
            Err(Failure::Lost(error)) => Err(lost_at_once(endpoint, login, &error).await),
        }
    }

    async fn begin(endpoint: &Endpoint, login: &Login, silence: Duration) -> Result<Self, Failure> {
        let stream = dial(endpoint, login, silence).await.map_err(Failure::Refused)?;
        // Deadlines are the callers'.
        let config = AsyncConnectionConfig::new().set_response_timeout(None).set_connection_timeout(None);
        let connected =
            MultiplexedConnection::new_with_config(&Login::without_password(), stream, config).await;
        let (connection, driver) = connected.map_err(Failure::Lost)?;
        let task = Arc::new(Task(tokio::spawn(driver)));
        let mut link = Self { connection, task, report: Arc::new(Report::default()) };
        if let Some(auth) = login.auth()
            && let Value::ServerError(refusal) = link.ask(&auth).await?
        {
            let refused = not_let_in(&refusal, endpoint).unwrap_or_else(|| login.refused(endpoint));
            return Err(Failure::Refused(refused));
        }
        // The kernel accepts connections for a server that hangs. Whatever is answered shows that it lives; and before that
        // no write is sent, so none is in doubt.
        let role = link.ask(&cmd("ROLE")).await?;
        if let Value::ServerError(refusal) = &role
            && let Some(error) = not_let_in(refusal, endpoint)
        {
            return Err(Failure::Refused(error));
        }
        let report = Report::read(&role, &link.ask(&cmd("INFO")).await?);
        if let Some(refused) = report.refusal(endpoint) {
            return Err(Failure::Refused(refused));
        }
        link.report = Arc::new(report);
        Ok(link)
    }

    /// What the server reported at the beginning.
    pub(super) fn report(&self) -> &Report {
        &self.report
    }

    async fn ask(&mut self, command: &Cmd) -> Result<Value, Failure> {
        self.connection.send_packed_command(command).await.map_err(Failure::Lost)
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

/// The connection ended before the server let us in.
async fn lost_at_once(endpoint: &Endpoint, login: &Login, error: &redis::RedisError) -> Error {
    if error.kind() == redis::ErrorKind::Parse {
        return not_redis(endpoint, login);
    }
    if login.tls().is_none()
        && let Ok(Some(refused)) = timeout(GREETING, refused_unasked(endpoint)).await
    {
        return refused;
    }
    let text = format!("{endpoint} closed the connection at the beginning: {}", hint(login));
    Error::new(ErrorKind::Unavailable, text)
}

/// Why the server closes connections, if it says so without being asked, as one that has reached `maxclients` does. If a
/// client writes first, the end of the connection may reach it before these words.
async fn refused_unasked(endpoint: &Endpoint) -> Option<Error> {
    let mut stream = TcpStream::connect((endpoint.host.as_str(), endpoint.port)).await.ok()?;
    let mut line = [0; 256];
    let length = stream.read(&mut line).await.ok()?;
    match redis::parse_redis_value(line.get(..length)?).ok()? {
        Value::ServerError(refusal) => not_let_in(&refusal, endpoint),
        _ => None,
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
    // With TLS, a server without room for clients (maxclients) closes the connection without a word.
    login.tls().map_or("does it want TLS? set drivers.redis.tls; or has it reached maxclients?", Tls::hint)
}
