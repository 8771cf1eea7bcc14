use std::fmt::Write;
use std::sync::OnceLock;
use std::time::Instant;

use bytes::Bytes;
use http_body_util::{Either, Full};
use hyper::header::{
    ALLOW, AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE,
    X_CONTENT_TYPE_OPTIONS,
};
use hyper::{HeaderMap, Method, Response, StatusCode};

use crate::bearer_token::BearerToken;
use crate::metrics::{MEDIA_TYPE, Scrape, exposition};
use crate::pulse::Pulse;
use crate::status_page::{EventHub, EventStream, MAX_STREAMS, PageFile};
use crate::{ReadinessCheck, RunningProgram};

/// What the replies are made of.
#[derive(Debug)]
pub(crate) struct Subject {
    pub(crate) token: Option<BearerToken>,
    pub(crate) pulse: std::sync::Arc<Pulse>,
    /// Empty until the program has started.
    pub(crate) program: OnceLock<RunningProgram>,
    /// The open status pages.
    pub(crate) events: EventHub,
}

/// A reply: a whole one, or events.
pub(crate) type Reply = Response<Either<Full<Bytes>, EventStream>>;

/// The paths, each with what it returns.
const PATHS: [(&str, &str); 6] = [
    ("/", "the status page, for browsers"),
    ("/livez", "whether the program runs"),
    ("/readyz", "whether it does its work, with the reason if not; ?verbose lists all checks"),
    ("/metrics", "all metrics, as OpenMetrics text"),
    ("/status.json", "counters, queues and peers of each part"),
    ("/events", "what the status page shows, once a second, as server-sent events"),
];

const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");
const JSON: HeaderValue = HeaderValue::from_static("application/json");
const EVENTS: HeaderValue = HeaderValue::from_static("text/event-stream");

/// The parts of a request that decide the reply.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked<'a> {
    pub(crate) method: &'a Method,
    pub(crate) path: &'a str,
    pub(crate) query: Option<&'a str>,
    pub(crate) headers: &'a HeaderMap,
}

/// Returns the reply to a request.
pub(crate) fn respond(subject: &Subject, asked: Asked<'_>, now: Instant) -> Reply {
    let file = PageFile::at(asked.path).filter(|_| matches!(*asked.method, Method::GET | Method::HEAD));
    if let Some(file) = file {
        return file.reply(asked.headers).map(Either::Left);
    }
    if !is_authorized(subject, asked.headers, now) {
        let text = "this endpoint needs its token: Authorization: Bearer TOKEN (operations_token_file)\n";
        let mut reply = reply(StatusCode::UNAUTHORIZED, TEXT, text);
        reply.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        return reply;
    }
    if !matches!(*asked.method, Method::GET | Method::HEAD) {
        let mut reply = reply(StatusCode::METHOD_NOT_ALLOWED, TEXT, "only GET and HEAD are supported\n");
        reply.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
        return reply;
    }
    match asked.path {
        "/livez" => live(subject, now),
        "/readyz" => ready(subject, asked.query.is_some_and(asks_for_all)),
        "/metrics" => metrics(subject, now),
        "/status.json" => status(subject),
        "/events" => events(subject, asked.method),
        _ => reply(StatusCode::NOT_FOUND, TEXT, list_of_paths()),
    }
}

fn is_authorized(subject: &Subject, headers: &HeaderMap, now: Instant) -> bool {
    let Some(token) = &subject.token else { return true };
    headers.get(AUTHORIZATION).is_some_and(|header| token.is_in(header.as_bytes(), now))
}

/// `verbose`, and forms such as `verbose=1`.
fn asks_for_all(query: &str) -> bool {
    query.split('&').any(|pair| pair.split('=').next() == Some("verbose"))
}

fn live(subject: &Subject, now: Instant) -> Reply {
    match subject.pulse.silence(now) {
        None => reply(StatusCode::OK, TEXT, "ok\n"),
        Some(silence) => {
            let text = format!("the runtime of the program has run no task for {} s\n", silence.as_secs());
            reply(StatusCode::SERVICE_UNAVAILABLE, TEXT, text)
        }
    }
}

fn ready(subject: &Subject, is_verbose: bool) -> Reply {
    let Some(program) = subject.program.get() else {
        return reply(
            StatusCode::SERVICE_UNAVAILABLE,
            TEXT,
            "[-]start: the program is starting\nnot ready\n",
        );
    };
    let checks = (program.checks)();
    let is_ready = checks.iter().all(ReadinessCheck::is_met);
    let mut text = String::new();
    for check in checks.iter().filter(|check| is_verbose || !check.is_met()) {
        // Writing to a String does not fail.
        let _ = writeln!(text, "{check}");
    }
    let (status, last) =
        if is_ready { (StatusCode::OK, "ready\n") } else { (StatusCode::SERVICE_UNAVAILABLE, "not ready\n") };
    text.push_str(last);
    reply(status, TEXT, text)
}

fn status(subject: &Subject) -> Reply {
    let Some(program) = subject.program.get() else {
        return reply(StatusCode::SERVICE_UNAVAILABLE, TEXT, "the program is starting\n");
    };
    match serde_json::to_vec(&(program.status)()) {
        Ok(document) => reply(StatusCode::OK, JSON, document),
        Err(error) => {
            tracing::error!(id = "SK1104", "cannot encode the status document: {error}");
            reply(StatusCode::INTERNAL_SERVER_ERROR, TEXT, "the status cannot be encoded as JSON\n")
        }
    }
}

fn metrics(subject: &Subject, now: Instant) -> Reply {
    let Some(program) = subject.program.get() else {
        return reply(StatusCode::SERVICE_UNAVAILABLE, TEXT, "the program is starting\n");
    };
    let scrape = Scrape {
        program: program.program.to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        is_ready: (program.checks)().iter().all(ReadinessCheck::is_met),
        uptime_seconds: subject.pulse.uptime(now).as_secs_f64(),
        parts: (program.parts)(),
    };
    match exposition(scrape) {
        Ok(text) => reply(StatusCode::OK, HeaderValue::from_static(MEDIA_TYPE), text),
        Err(error) => {
            tracing::error!(id = "SK1104", "cannot encode the metrics: {error}");
            reply(StatusCode::INTERNAL_SERVER_ERROR, TEXT, "the metrics cannot be encoded\n")
        }
    }
}

/// Opens a stream. It sends nothing before the program has started.
fn events(subject: &Subject, method: &Method) -> Reply {
    if *method == Method::HEAD {
        return reply(StatusCode::OK, EVENTS, "");
    }
    let Some(stream) = subject.events.open() else {
        let text = format!("{MAX_STREAMS} streams of events are open, and there is no place for one more\n");
        let mut reply = reply(StatusCode::SERVICE_UNAVAILABLE, TEXT, text);
        reply.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("5"));
        return reply;
    };
    let mut reply = reply(StatusCode::OK, EVENTS, "");
    reply.extensions_mut().insert(stream.eviction());
    reply.map(|_| Either::Right(stream))
}

fn list_of_paths() -> String {
    let lines = PATHS.iter().map(|(path, returns)| format!("{path}  {returns}\n"));
    ["no such path; there are:\n".to_owned()].into_iter().chain(lines).collect()
}

fn reply(status: StatusCode, kind: HeaderValue, body: impl Into<Bytes>) -> Reply {
    let mut reply = Response::new(Either::Left(Full::new(body.into())));
    *reply.status_mut() = status;
    reply.headers_mut().insert(CONTENT_TYPE, kind);
    reply.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    reply.headers_mut().insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    reply
}
