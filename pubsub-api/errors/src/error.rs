use std::fmt;

/// The result of every fallible operation of Skimmer.
///
/// The second parameter is for the few functions whose error is another type, such as the cause of an invalid event.
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
///
/// The enum is not exhaustive: a `match` needs a last arm, which treats an unknown kind as
/// [`Internal`](ErrorKind::Internal).
///
/// | kind | was the call done? | what helps |
/// |---|---|---|
/// | [`Settings`](Self::Settings), [`Unsupported`](Self::Unsupported) | no | another setting, or another driver |
/// | [`Invalid`](Self::Invalid) | no | another event, topic or name; a retry with the same one fails again |
/// | [`Unavailable`](Self::Unavailable), [`Overloaded`](Self::Overloaded) | no | the same call, later |
/// | [`Closed`](Self::Closed) | no | a new publisher, subscriber or database; a closed one stays closed |
/// | [`NotFound`](Self::NotFound), [`AlreadyExists`](Self::AlreadyExists), [`Conflict`](Self::Conflict) | no | to read the row again, and to decide anew |
/// | [`InDoubt`](Self::InDoubt) | unknown | to find out what was done before a retry |
/// | [`Internal`](Self::Internal) | unknown | a report to the authors |
///
/// ```
/// use errors::ErrorKind;
///
/// /// Returns whether the same call may succeed later, without doing anything twice.
/// fn may_retry(kind: ErrorKind) -> bool {
///     matches!(kind, ErrorKind::Unavailable | ErrorKind::Overloaded)
/// }
///
/// assert!(may_retry(ErrorKind::Overloaded));
/// assert!(!may_retry(ErrorKind::InDoubt), "the first call may have been done");
/// ```
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
    ///
    /// The names are stable: counters and statuses use them as causes.
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

    /// Creates the error of a call to an end that was closed: `what` is `publisher` or `subscriber`.
    ///
    /// ```
    /// use errors::{Error, ErrorKind};
    ///
    /// let error = Error::closed("publisher");
    /// assert_eq!(error.kind(), ErrorKind::Closed);
    /// assert_eq!(error.to_string(), "the publisher is closed: open the driver again for a new one");
    /// ```
    #[must_use]
    pub fn closed(what: impl fmt::Display) -> Self {
        Self::new(ErrorKind::Closed, format!("the {what} is closed: open the driver again for a new one"))
    }

    /// Adds the cause of this error.
    ///
    /// The source is shown after the text and a colon, and [`source`](std::error::Error::source) returns it. A second
    /// call replaces the first source.
    ///
    /// ```
    /// use errors::{Error, ErrorKind};
    ///
    /// let error = Error::new(ErrorKind::Unavailable, "cannot read the ring").with_source("the disk is full");
    /// assert_eq!(error.to_string(), "cannot read the ring: the disk is full");
    /// ```
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Puts `context` and a colon before the text, as in `cannot read skimmer.toml: …`.
    ///
    /// Kind and source stay as they are. Each caller may add its own context, so the outermost one is first.
    ///
    /// ```
    /// use errors::{Error, ErrorKind};
    ///
    /// let error = Error::new(ErrorKind::Invalid, "line 3 has no key").context("skimmer.toml").context("reload");
    /// assert_eq!(error.to_string(), "reload: skimmer.toml: line 3 has no key");
    /// ```
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
