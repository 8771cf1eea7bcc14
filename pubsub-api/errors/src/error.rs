use std::fmt;

/// The result of every fallible operation of Skimmer.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An error: a kind for the program to act on, and a sentence for the user to act on.
///
/// Act on the [`kind`](Error::kind) and show the text: one sentence with what was expected, what was found, and what to
/// do. [`Display`](fmt::Display) appends the source, if there is one, after a colon, so that a log line is complete
/// without walking the chain.
///
/// ```
/// use errors::{Error, ErrorKind};
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

/// The classes of errors that a caller can distinguish.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A setting is unknown, misspelt, of the wrong type, or contradicts another. A retry never helps.
    Settings,
    /// An event, topic or pattern that the contract forbids: a reserved topic, too many bytes, bad UTF-8.
    Invalid,
    /// The address is in use, the directory is missing or not accessible, or nothing answers at the address.
    Unavailable,
    /// A bounded queue stayed full for as long as the caller allowed. The same call may succeed later.
    Overloaded,
    /// The publisher or subscriber was closed.
    Closed,
    /// The row does not exist in the database.
    NotFound,
    /// The row exists in the database already.
    AlreadyExists,
    /// The row is not what the caller expected: another writer has changed it.
    Conflict,
    /// It is not known whether the call was done: the connection was lost before the answer. Check before a retry.
    InDoubt,
    /// The driver cannot do this, as its capabilities state.
    Unsupported,
    /// Anything else: a defect of Skimmer or of a library that it uses.
    Internal,
}

impl ErrorKind {
    /// Returns the name for counters, logs and statuses.
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
    /// Creates an error whose `text` is one sentence: what was expected, what was found, what to do.
    pub fn new(kind: ErrorKind, text: impl Into<String>) -> Self {
        Self { kind, text: text.into(), source: None }
    }

    /// Adds the cause of this error.
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

    /// Returns the class of the error.
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
