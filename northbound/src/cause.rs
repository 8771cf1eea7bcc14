use pubsub_api::{Error, ErrorKind};

/// As what an error is counted.
pub(crate) fn cause(error: &Error) -> &'static str {
    match error.kind() {
        ErrorKind::Unavailable => "unavailable",
        ErrorKind::Overloaded => "overloaded",
        ErrorKind::InDoubt => "in_doubt",
        ErrorKind::Invalid => "invalid",
        _ => "other",
    }
}
