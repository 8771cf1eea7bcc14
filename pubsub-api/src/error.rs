use std::fmt;

/// The result of everything that can fail in Skimmer.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong: a kind to act on, and the sentence that a user can act on.
///
/// Act on the [`kind`](Error::kind), show the text: it is one sentence with what was wanted, what came, and what to do. The source, where there is one, is appended after a colon by
/// [`Display`](fmt::Display), so that a log line is complete without walking the chain.
///
/// ```
/// use pubsub_api::{Error, ErrorKind};
///
/// let error = Error::new(ErrorKind::Overloaded, "the outbox of 10000 events is full");
/// assert_eq!(error.kind().as_str(), "overloaded");
/// assert_eq!(error.to_string(), "the outbox of 10000 events is full");
/// ```
#[derive(Debug)]
pub struct Error {
    kind: ErrorKind,
    text: String,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// The classes of error that a caller can tell apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A setting is unknown, misspelt, of the wrong type, or contradicts another. Never cured by a retry.
    Settings,
    /// An event, topic or pattern that the contract forbids: a reserved topic, too many bytes, bad UTF-8.
    Invalid,
    /// The address is taken, the directory is missing or closed to us, or nobody answers there.
    Unavailable,
    /// A bounded queue stayed full for as long as the caller allowed. The same call may succeed later.
    Overloaded,
    /// The publisher or subscriber was closed.
    Closed,
    /// There is no such row in the database.
    NotFound,
    /// There is such a row in the database already.
    AlreadyExists,
    /// The row is not what the caller thought: another writer has changed it.
    Conflict,
    /// Whether it was done is not known: the connection was lost before the answer. Look, before you do it again.
    InDoubt,
    /// The driver cannot do what was asked, by its own [`Capabilities`](crate::Capabilities).
    Unsupported,
    /// Anything else: a defect of ours or of a library below.
    Internal,
}

impl ErrorKind {
    /// The word for counters, logs and statuses.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Settings => "settings",
            Self::Invalid => "invalid",
            Self::Unavailable => "unavailable",
            Self::Overloaded => "overloaded",
            Self::Closed => "closed",
            Self::NotFound => "not_found",
            Self::AlreadyExists => "already_exists",
            Self::Conflict => "conflict",
            Self::InDoubt => "in_doubt",
            Self::Unsupported => "unsupported",
            Self::Internal => "internal",
        }
    }
}

impl Error {
    /// An error whose `text` is one sentence: what was wanted, what came, what to do.
    pub fn new(kind: ErrorKind, text: impl Into<String>) -> Self {
        Self { kind, text: text.into(), source: None }
    }

    /// Adds what caused this error.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Puts `context` and a colon before the text, as in `cannot read skimmer.toml: …`.
    #[must_use]
    pub fn context(mut self, context: impl fmt::Display) -> Self {
        self.text = format!("{context}: {}", self.text);
        self
    }

    /// The class of the error.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)?;
        if let Some(source) = &self.source {
            write!(f, ": {source}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_ref().map(|source| source.as_ref() as &(dyn std::error::Error + 'static))
    }
}
