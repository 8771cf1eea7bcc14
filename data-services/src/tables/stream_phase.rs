use std::fmt;

/// How current the rows of a followed stream are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StreamPhase {
    /// Nothing has arrived from its publisher yet.
    Waiting,
    /// There are no rows yet, and they are on their way.
    Syncing,
    /// The rows are those of the publisher, up to the last change that is known to exist. Its publisher was heard within the
    /// last five seconds.
    Live,
    /// Changes are missing, or may be, and are requested. The rows are those of an earlier position.
    Recovering,
    /// The publisher is silent or gone: nothing confirms that the rows are current.
    Stale,
}

impl StreamPhase {
    /// Returns the name for metrics, logs and statuses.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Syncing => "syncing",
            Self::Live => "live",
            Self::Recovering => "recovering",
            Self::Stale => "stale",
        }
    }
}

impl fmt::Display for StreamPhase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
