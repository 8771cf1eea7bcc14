use pubsub_api::{Error, ErrorKind};

/// The cause under which an error is counted.
pub(crate) fn cause(error: &Error) -> &'static str {
    match error.kind() {
        ErrorKind::Unavailable => "unavailable",
        ErrorKind::Overloaded => "overloaded",
        ErrorKind::InDoubt => "in_doubt",
        ErrorKind::Invalid => "invalid",
        _ => "other",
    }
}
