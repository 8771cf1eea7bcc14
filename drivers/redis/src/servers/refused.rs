use pubsub_api::{Error, ErrorKind};

use super::Endpoint;
use super::reply::{Reply, interpret};

/// The error for an error reply; `line` is the reply without its first `-`.
pub(crate) fn refused(line: &str, endpoint: &Endpoint, clustered: bool) -> Error {
    let unknown = || Error::new(ErrorKind::Internal, format!("{endpoint} refused a command"));
    let Ok(value) = redis::parse_redis_value(format!("-{line}\r\n").as_bytes()) else { return unknown() };
    match interpret(value, endpoint, clustered) {
        Reply::NotNow(error) | Reply::Never(error) => error,
        Reply::Value(_) | Reply::Moved(..) | Reply::Ask(_) => unknown(),
    }
}
