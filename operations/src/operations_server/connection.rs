use std::convert::Infallible;
use std::io;
use std::time::{Duration, Instant};

use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};

use super::tenure::Tenure;
use crate::respond::{Asked, Subject, respond};
use crate::status_page::Eviction;

/// The time in which a client sends the head of its request. It is closed after that.
const HEAD_TIMEOUT: Duration = Duration::from_secs(5);

/// The bytes of the head of a request. A longer one is answered with 431.
const MAX_HEAD_BYTES: usize = 16 * 1024;

/// The number of headers of a request. One with more is answered with 431.
const MAX_HEADERS: usize = 64;

/// What a client reads for which there is no place.
const REFUSAL: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain; charset=utf-8\r\n\
    Content-Length: 21\r\nRetry-After: 5\r\nConnection: close\r\n\r\ntoo many connections\n";

/// Serves one request, and closes the connection: so a client that does nothing holds its place for `HEAD_TIMEOUT` at most. A stream of
/// events lasts longer ([`Tenure`]).
pub(super) async fn serve_connection(stream: impl AsyncRead + AsyncWrite + Unpin, subject: &Subject) {
    let tenure = Tenure::default();
    let service = service_fn(|request: Request<Incoming>| {
        let uri = request.uri();
        let asked = Asked {
            method: request.method(),
            path: uri.path(),
            query: uri.query(),
            headers: request.headers(),
        };
        let reply = respond(subject, asked, Instant::now());
        if let Some(eviction) = reply.extensions().get::<Eviction>() {
            tenure.extend(eviction.clone());
        }
        async move { Ok::<_, Infallible>(reply) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(MAX_HEAD_BYTES)
        .max_headers(MAX_HEADERS)
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), service);
    tokio::select! {
        served = connection => if let Err(error) = served {
            tracing::debug!("a connection to the operations endpoint has ended: {error}");
        },
        reason = tenure.over() => tracing::debug!("closed a connection to the operations endpoint: {reason}"),
    }
}

/// Tells a client that there is no place, as far as its nonblocking socket takes it at once.
pub(super) fn refuse(stream: io::Result<impl io::Write>) {
    if let Err(error) = stream.and_then(|mut stream| stream.write_all(REFUSAL)) {
        tracing::debug!("cannot tell a client of the operations endpoint that there is no place: {error}");
    }
}
