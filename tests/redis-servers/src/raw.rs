use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use crate::PATIENCE;

/// A connection that writes commands and reads answers byte by byte (RESP2).
#[derive(Debug)]
pub struct Raw(BufReader<TcpStream>);

/// An answer of a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// No value.
    Nil,
    /// An integer.
    Int(i64),
    /// Bytes.
    Bytes(Vec<u8>),
    /// A line such as `OK`.
    Status(String),
    /// An error.
    Error(String),
    /// Several answers.
    List(Vec<Reply>),
}

impl Raw {
    /// Connects; `None` if no server listens.
    #[must_use]
    pub fn connect(port: u16) -> Option<Self> {
        let stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
        stream.set_read_timeout(Some(PATIENCE)).ok()?;
        stream.set_nodelay(true).ok()?;
        Some(Self(BufReader::new(stream)))
    }

    /// Sends one command and reads its answer.
    ///
    /// # Panics
    /// If the connection breaks.
    #[track_caller]
    pub fn call<A: AsRef<[u8]>>(&mut self, arguments: &[A]) -> Reply {
        self.try_call(arguments).expect("the server answers")
    }

    /// The same; `None` if the connection breaks.
    pub fn try_call<A: AsRef<[u8]>>(&mut self, arguments: &[A]) -> Option<Reply> {
        let mut out = format!("*{}\r\n", arguments.len()).into_bytes();
        for argument in arguments.iter().map(AsRef::as_ref) {
            out.extend(format!("${}\r\n", argument.len()).bytes());
            out.extend(argument);
            out.extend(b"\r\n");
        }
        self.0.get_mut().write_all(&out).ok()?;
        self.read()
    }

    /// The next message that the server sends on its own, as to a subscriber; `None` if the connection breaks.
    pub fn pushed(&mut self) -> Option<Reply> {
        self.read()
    }

    /// The next message of the server, if it begins within this time.
    ///
    /// # Panics
    /// If the connection breaks.
    #[track_caller]
    pub fn pushed_within(&mut self, wait: Duration) -> Option<Reply> {
        let set_timeout = |raw: &Self, wait| raw.0.get_ref().set_read_timeout(Some(wait)).expect("a socket");
        set_timeout(self, wait);
        let begins = match self.0.fill_buf() {
            Ok(bytes) => {
                assert!(!bytes.is_empty(), "the server closed the connection");
                true
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => false,
            Err(error) => panic!("the connection breaks: {error}"),
        };
        set_timeout(self, PATIENCE);
        begins.then(|| self.read().expect("the rest of the message"))
    }

    fn read(&mut self) -> Option<Reply> {
        let mut line = String::new();
        self.0.read_line(&mut line).ok().filter(|length| *length > 0)?;
        let (sort, rest) = (line.chars().next()?, line.get(1..)?.trim_end());
        match sort {
            '+' => Some(Reply::Status(rest.to_owned())),
            '-' => Some(Reply::Error(rest.to_owned())),
            ':' => Some(Reply::Int(rest.parse().ok()?)),
            '$' | '*' if rest == "-1" => Some(Reply::Nil),
            '$' => {
                let mut bytes = vec![0; rest.parse::<usize>().ok()? + 2];
                self.0.read_exact(&mut bytes).ok()?;
                bytes.truncate(bytes.len() - 2);
                Some(Reply::Bytes(bytes))
            }
            '*' => {
                let count = rest.parse::<usize>().ok()?;
                (0..count).map(|_| self.read()).collect::<Option<_>>().map(Reply::List)
            }
            _ => None,
        }
    }
}

impl Reply {
    /// As text, for any reply that is text; an integer in digits.
    #[must_use]
    pub fn text(&self) -> String {
        match self {
            Self::Nil | Self::List(_) => String::new(),
            Self::Int(number) => number.to_string(),
            Self::Bytes(bytes) => String::from_utf8_lossy(bytes).into_owned(),
            Self::Status(text) | Self::Error(text) => text.clone(),
        }
    }

    /// As a list; empty if it is not a list.
    #[must_use]
    pub fn list(self) -> Vec<Self> {
        if let Self::List(items) = self { items } else { Vec::new() }
    }

    /// Panics unless it is `OK`.
    ///
    /// # Panics
    /// If it is anything else.
    #[track_caller]
    pub fn expect_ok(&self) {
        assert_eq!(*self, Self::Status("OK".to_owned()));
    }
}
