use std::sync::Arc;
use std::time::Duration;

use pubsub_api::{Error, ErrorKind};
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Cmd, Value, cmd};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::reply::login_refusal;
use super::report::Report;
use super::tls::Tls;
use super::{Endpoint, Login, dial};

/// Time limit for a message that a server sends on its own; it does so as soon as it accepts a connection.
const GREETING: Duration = Duration::from_millis(200);

/// A connection that all callers share; it is closed when the last of them drops it.
#[derive(Debug, Clone)]
pub(super) struct Link {
    pub(super) connection: MultiplexedConnection,
    task: Arc<Task>,
    report: Arc<Report>,
}

/// The task that writes and reads; it ends with the connection.
#[derive(Debug)]
struct Task(JoinHandle<()>);

/// Why there is no connection.
enum Failure {
    /// With an error that explains it.
    Refused(Error),
    /// The connection ended, or the peer does not speak Redis.
    Lost(redis::RedisError),
}

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Link {
    /// Connects, logs in, and asks for the server's role. The caller limits the time; after `silence` TCP gives up a peer that
    /// acknowledges nothing.
    ///
    /// # Errors
    /// [`ErrorKind::Settings`] if the server refuses the password or is Sentinel; otherwise as [`dial`], or
    /// [`ErrorKind::Unavailable`], also if it is a standalone replica that is not synchronized with its master.
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
        // The callers have deadlines of their own.
        let config = AsyncConnectionConfig::new().set_response_timeout(None).set_connection_timeout(None);
        let connected =
            MultiplexedConnection::new_with_config(&Login::without_password(), stream, config).await;
        let (connection, driver) = connected.map_err(Failure::Lost)?;
        let task = Arc::new(Task(tokio::spawn(driver)));
        let mut link = Self { connection, task, report: Arc::new(Report::default()) };
        if let Some(auth) = login.auth()
            && let Value::ServerError(refusal) = link.ask(&auth).await?
        {
            let refused = login_refusal(&refusal, endpoint).unwrap_or_else(|| login.refused(endpoint));
            return Err(Failure::Refused(refused));
        }
        // The kernel accepts connections for a server that hangs. Any answer shows that it is alive; no write is sent before, so
        // none is in doubt.
        let role = link.ask(&cmd("ROLE")).await?;
        if let Value::ServerError(refusal) = &role
            && let Some(error) = login_refusal(refusal, endpoint)
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

    /// The server's report from the start of the connection.
    pub(super) fn report(&self) -> &Report {
        &self.report
    }

    async fn ask(&mut self, command: &Cmd) -> Result<Value, Failure> {
        self.connection.send_packed_command(command).await.map_err(Failure::Lost)
    }

    /// Whether the connection is up, as far as is known.
    pub(super) fn is_up(&self) -> bool {
        !self.task.0.is_finished()
    }

    /// Whether this is the same connection.
    pub(super) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.task, &other.task)
    }
}

/// Explains a connection that ended before the login was complete.
async fn lost_at_once(endpoint: &Endpoint, login: &Login, error: &redis::RedisError) -> Error {
    if error.kind() == redis::ErrorKind::Parse {
        return not_redis(endpoint, login);
    }
    if login.tls().is_none()
        && let Ok(Some(refused)) = timeout(GREETING, refused_unasked(endpoint)).await
    {
        return refused;
    }
    let text = format!("{endpoint} closed the connection before the login was complete: {}", hint(login));
    Error::new(ErrorKind::Unavailable, text)
}

/// The reason, if the server sends one on its own before it closes the connection, as one that has reached `maxclients` does.
/// If the client writes first, the reset of the connection may discard this message.
async fn refused_unasked(endpoint: &Endpoint) -> Option<Error> {
    let mut stream = TcpStream::connect((endpoint.host.as_str(), endpoint.port)).await.ok()?;
    let mut line = [0; 256];
    let length = stream.read(&mut line).await.ok()?;
    match redis::parse_redis_value(line.get(..length)?).ok()? {
        Value::ServerError(refusal) => login_refusal(&refusal, endpoint),
        _ => None,
    }
}

/// The error for a peer that is not Redis.
pub(super) fn not_redis(endpoint: &Endpoint, login: &Login) -> Error {
    let more = if login.tls().is_none() { "; if it requires TLS, set drivers.redis.tls" } else { "" };
    let text = format!(
        "the server at {endpoint} does not speak the Redis protocol: check drivers.redis.hosts{more}"
    );
    Error::new(ErrorKind::Unavailable, text)
}

fn hint(login: &Login) -> &'static str {
    // With TLS, a server that has reached maxclients closes the connection without a message.
    login
        .tls()
        .map_or("if it requires TLS, set drivers.redis.tls; it may also have reached maxclients", Tls::hint)
}
