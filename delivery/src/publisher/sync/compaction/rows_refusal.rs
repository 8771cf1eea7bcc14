use std::fmt;
use std::io;

use super::rows_file::BadPrefix;

/// Why a rows file is refused.
#[derive(Debug)]
pub(super) enum RowsRefusal {
    Unreadable(io::Error),
    Prefix(BadPrefix),
    /// It was written beside another ring, or by a publisher that this one has forgotten.
    AnotherRing,
    /// It ends, or is damaged, before it reaches the first segment of the ring.
    EndsBefore {
        covered: u32,
        first: u32,
    },
}

impl RowsRefusal {
    /// The name of the cause in counters.
    pub(super) fn cause(&self) -> &'static str {
        match self {
            Self::Unreadable(_) => "unreadable",
            Self::Prefix(BadPrefix::Magic) => "no_rows",
            Self::Prefix(BadPrefix::Version) => "version",
            Self::Prefix(BadPrefix::Publisher) => "foreign_publisher",
            Self::AnotherRing => "another_ring",
            Self::EndsBefore { .. } => "ends_too_early",
        }
    }
}

impl fmt::Display for RowsRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable(error) => write!(f, "it cannot be read: {error}"),
            Self::Prefix(BadPrefix::Magic) => f.write_str("it is not a rows file"),
            Self::Prefix(BadPrefix::Version) => f.write_str("it was written by another version"),
            Self::Prefix(BadPrefix::Publisher) => f.write_str("it belongs to another publisher"),
            Self::AnotherRing => f.write_str("it was written beside another ring"),
            Self::EndsBefore { covered, first } => write!(
                f,
                "it is valid up to segment {covered:08x}, and the ring begins with segment {first:08x}"
            ),
        }
    }
}

impl From<io::Error> for RowsRefusal {
    fn from(error: io::Error) -> Self {
        Self::Unreadable(error)
    }
}
