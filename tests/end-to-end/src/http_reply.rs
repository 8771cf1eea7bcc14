use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;

use crate::{Folder, PATIENCE, until};

/// The reply of an HTTP endpoint, read byte by byte: no library hides what it gets wrong.
#[derive(Debug, Clone)]
pub struct HttpReply {
    /// The status.
    pub status: u16,
    /// The head, with the line of the status.
    pub head: String,
    /// The body.
    pub body: String,
}

impl HttpReply {
    /// Reads the reply of a server that closes the connection after it.
    ///
    /// # Panics
    /// If it is no reply, with the bytes, or if the server does not close the connection.
    #[track_caller]
    pub fn read(mut stream: impl Read) -> Self {
        let mut bytes = Vec::new();
        // A server that closes with unread input resets the connection after its reply.
        let read = stream.read_to_end(&mut bytes);
        let is_timeout = read.is_err_and(|error| error.kind() == ErrorKind::WouldBlock);
        assert!(!is_timeout, "the connection is still open after {PATIENCE:?}");
        let text = String::from_utf8(bytes).expect("replies are UTF-8");
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("not a reply: {text:?}"));
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
        let status = status.unwrap_or_else(|| panic!("no status: {head:?}"));
        Self { status, head: head.to_owned(), body: body.to_owned() }
    }

    /// Whether the head has this line, whatever the case.
    #[must_use]
    pub fn has_header(&self, line: &str) -> bool {
        self.head.lines().any(|header| header.eq_ignore_ascii_case(line))
    }
}

/// Requests a path at `http://HOST:PORT` or `unix:PATH`, with further lines of the head.
///
/// # Panics
/// If it does not connect, or there is no reply.
#[track_caller]
pub fn http_get(endpoint: &str, path: &str, headers: &[&str]) -> HttpReply {
    http(endpoint, &format!("GET {path} HTTP/1.1\r\nHost: test\r\n{}\r\n", lines(headers)))
}

/// Sends a request as it stands here.
///
/// # Panics
/// If it does not connect, or there is no reply.
#[track_caller]
pub fn http(endpoint: &str, request: &str) -> HttpReply {
    match endpoint.strip_prefix("unix:") {
        Some(path) => {
            let mut stream = UnixStream::connect(path).expect("the socket accepts");
            stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
            stream.write_all(request.as_bytes()).expect("the endpoint reads");
            HttpReply::read(stream)
        }
        None => {
            let mut stream = http_connect(endpoint);
            stream.write_all(request.as_bytes()).expect("the endpoint reads");
            HttpReply::read(stream)
        }
    }
}

/// Connects to `http://HOST:PORT` and sends nothing.
///
/// # Panics
/// If it does not connect.
#[must_use]
#[track_caller]
pub fn http_connect(endpoint: &str) -> TcpStream {
    let address = endpoint.strip_prefix("http://").unwrap_or(endpoint);
    let stream = TcpStream::connect(address).expect("the endpoint accepts");
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    stream
}

fn lines(headers: &[&str]) -> String {
    headers.iter().map(|header| format!("{header}\r\n")).collect()
}

impl Folder {
    /// Where operators find the process that was launched as `name`, with a setting `operations_bind`.
    ///
    /// # Panics
    /// If it has no endpoint.
    #[must_use]
    #[track_caller]
    pub fn operations(&self, name: &str) -> String {
        let socket = self.state_dir(&format!("{name}.state"));
        until("the status socket", || {
            let mut files = std::fs::read_dir(&socket).ok()?.flatten().map(|entry| entry.path());
            files.find(|path| path.extension().is_some_and(|extension| extension == "status"))
        });
        let status = self.status(name);
        let endpoint = status["endpoints"]["operations"].as_str();
        endpoint.unwrap_or_else(|| panic!("{name} has no endpoint for operators: {status}")).to_owned()
    }
}
