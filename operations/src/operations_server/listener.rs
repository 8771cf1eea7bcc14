use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use listen::UnixClaim;
use pubsub_api::{CauseCounter, Error, ErrorKind, Result};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio::sync::{Notify, Semaphore};

use super::connection::{refuse, serve_connection};
use super::sampler::sample;
use crate::OperationsAddress;
use crate::respond::Subject;

/// The number of connections at a time. A further one is answered with 503 and closed.
const MAX_CONNECTIONS: usize = 32;

/// The pause after an `accept` that failed, for instance because the process has no descriptor left.
const ACCEPT_PAUSE: Duration = Duration::from_secs(1);

/// A bound address.
#[derive(Debug)]
pub(super) enum BoundListener {
    Tcp(std::net::TcpListener),
    Unix(UnixClaim),
}

impl BoundListener {
    pub(super) fn bind(address: &OperationsAddress) -> Result<Self> {
        match address {
            OperationsAddress::Tcp { host, port } => listen::tcp(host, *port).map(Self::Tcp),
            OperationsAddress::Unix(path) => UnixClaim::bind(path).map(Self::Unix),
        }
    }

    pub(super) fn endpoint(&self) -> String {
        match self {
            Self::Tcp(listener) => match listener.local_addr() {
                Ok(address) => format!("http://{address}"),
                Err(error) => format!("an address that cannot be read: {error}"),
            },
            Self::Unix(claim) => format!("unix:{}", claim.path().display()),
        }
    }
}

/// A listener of the runtime.
enum Listener {
    Tcp(TcpListener),
    Unix(UnixListener),
}

enum Stream {
    Tcp(TcpStream),
    Unix(UnixStream),
}

impl Listener {
    fn of(bound: &BoundListener) -> io::Result<Self> {
        match bound {
            BoundListener::Tcp(listener) => TcpListener::from_std(listener.try_clone()?).map(Self::Tcp),
            BoundListener::Unix(claim) => UnixListener::from_std(claim.listener()?).map(Self::Unix),
        }
    }

    async fn accept(&self) -> io::Result<Stream> {
        match self {
            Self::Tcp(listener) => listener.accept().await.map(|(stream, _)| Stream::Tcp(stream)),
            Self::Unix(listener) => listener.accept().await.map(|(stream, _)| Stream::Unix(stream)),
        }
    }
}

/// Serves until `stopping`.
///
/// # Errors
/// [`ErrorKind::Internal`] if the runtime does not take the listener.
pub(super) async fn serve(bound: BoundListener, subject: Arc<Subject>, stopping: &Notify) -> Result<()> {
    let listener = Listener::of(&bound).map_err(|error| {
        Error::new(ErrorKind::Internal, "cannot listen in the runtime of the operations endpoint")
            .with_source(error)
    })?;
    // It ends with the runtime.
    tokio::spawn(sample(Arc::clone(&subject)));
    let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let troubles = CauseCounter::new("operations_troubles");
    loop {
        let accepted = tokio::select! {
            () = stopping.notified() => return Ok(()),
            accepted = listener.accept() => accepted,
        };
        match (accepted, Arc::clone(&places).try_acquire_owned()) {
            (Ok(stream), Ok(place)) => {
                let subject = Arc::clone(&subject);
                tokio::spawn(async move {
                    let _place = place;
                    match stream {
                        Stream::Tcp(stream) => serve_connection(stream, &subject).await,
                        Stream::Unix(stream) => serve_connection(stream, &subject).await,
                    }
                });
            }
            (Ok(stream), Err(_)) => {
                if let Some(times) = troubles.count("too_many", Instant::now()) {
                    tracing::warn!(
                        id = "SK1103",
                        times,
                        "refused a connection to the operations endpoint: it has {MAX_CONNECTIONS} connections"
                    );
                }
                // Tokio writes only after its driver has seen the socket.
                match stream {
                    Stream::Tcp(stream) => refuse(stream.into_std()),
                    Stream::Unix(stream) => refuse(stream.into_std()),
                }
            }
            (Err(error), _) => {
                if let Some(times) = troubles.count("accept", Instant::now()) {
                    tracing::warn!(
                        id = "SK1103",
                        times,
                        "cannot accept a connection to the operations endpoint: {error}"
                    );
                }
                // The listener stays ready, so without a pause this loop would spin.
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}
