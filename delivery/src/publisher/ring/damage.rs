use std::fmt;

/// How a segment differs from what a publisher writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Damage {
    Checksum,
    Content,
    Ends,
    Foreign,
    Magic,
    Missing,
    Version,
}

impl Damage {
    /// The name of the cause in counters.
    pub(super) fn cause(self) -> &'static str {
        match self {
            Self::Checksum => "checksum",
            Self::Content => "content",
            Self::Ends => "ends_too_early",
            Self::Foreign => "foreign_publisher",
            Self::Magic => "no_ring",
            Self::Missing => "missing_segment",
            Self::Version => "version",
        }
    }
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Checksum => "a checksum does not match",
            Self::Content => "a record has content that no publisher writes",
            Self::Ends => "a segment before the last one ends too early",
            Self::Foreign => "it belongs to another publisher",
            Self::Magic => "it is not a segment of a ring",
            Self::Missing => "a segment is missing",
            Self::Version => "it was written by another version",
        })
    }
}
