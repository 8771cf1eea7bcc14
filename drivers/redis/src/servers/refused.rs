use pubsub_api::{Error, ErrorKind};

use super::Endpoint;
use super::refusal::{Said, said};

/// What a refusal means, given the line that came, without its first `-`.
pub(crate) fn refused(line: &str, endpoint: &Endpoint, clustered: bool) -> Error {
    let unknown = || Error::new(ErrorKind::Internal, format!("{endpoint} refused a command"));
    let Ok(value) = redis::parse_redis_value(format!("-{line}\r\n").as_bytes()) else { return unknown() };
    match said(value, endpoint, clustered) {
        Said::NotNow(error) | Said::Never(error) => error,
        Said::Value(_) | Said::Moved(..) | Said::Ask(_) => unknown(),
    }
}
