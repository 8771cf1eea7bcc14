use pubsub_api::{Error, ErrorKind};
use redis::{ServerError, Value};

use super::Endpoint;

/// How much of a server's own words is shown.
const SHOWN_LETTERS: usize = 200;

/// What a server answered to one command.
pub(super) enum Said {
    /// This.
    Value(Value),
    /// That another serves this slot from now on.
    Moved(u16, Endpoint),
    /// That the key is at another already, while its slot is on the way there.
    Ask(Endpoint),
    /// That it was not done, and may be in a moment.
    NotNow(Error),
    /// That it was not done, and will not be.
    Never(Error),
}

/// Understands an answer of the server at `endpoint`.
pub(super) fn said(value: Value, endpoint: &Endpoint, clustered: bool) -> Said {
    let Value::ServerError(refusal) = value else { return Said::Value(value) };
    match refusal.code() {
        "MOVED" | "ASK" => redirect(&refusal, endpoint),
        "TRYAGAIN" | "CLUSTERDOWN" | "LOADING" | "MASTERDOWN" | "BUSY" => {
            Said::NotNow(error(ErrorKind::Unavailable, endpoint, "cannot do it now", &refusal))
        }
        // A master that was one no more when the command came: the slots have a new one, or will have.
        "READONLY" if clustered => {
            Said::NotNow(error(ErrorKind::Unavailable, endpoint, "is no master any more", &refusal))
        }
        _ => Said::Never(final_refusal(&refusal, endpoint)),
    }
}

fn redirect(refusal: &ServerError, endpoint: &Endpoint) -> Said {
    let parsed = refusal.details().and_then(|details| {
        let (slot, address) = details.split_once(' ')?;
        Some((slot.parse::<u16>().ok()?, Endpoint::parse(address.trim(), &endpoint.host)?))
    });
    match parsed {
        Some((slot, to)) if refusal.code() == "MOVED" => Said::Moved(slot, to),
        Some((_, to)) => Said::Ask(to),
        None => Said::NotNow(error(
            ErrorKind::Unavailable,
            endpoint,
            "redirects to no address known to it",
            refusal,
        )),
    }
}

fn final_refusal(refusal: &ServerError, endpoint: &Endpoint) -> Error {
    let (kind, what) = match refusal.code() {
        "READONLY" => (
            ErrorKind::Unavailable,
            "is a read-only replica, and no write can be done there: name its master in drivers.redis.hosts",
        ),
        "MISCONF" => (
            ErrorKind::Unavailable,
            "takes no writes, since it cannot save them to its disk: mend that there",
        ),
        "NOREPLICAS" => (ErrorKind::Unavailable, "takes no writes, since it has too few replicas"),
        "DENIED" => (ErrorKind::Unavailable, "is in protected mode and takes no connections of other hosts"),
        "OOM" => (
            ErrorKind::Overloaded,
            "has used all memory that it may (maxmemory), and takes no writes until rows are deleted",
        ),
        "NOAUTH" => (
            ErrorKind::Settings,
            "wants a password: name drivers.redis.password_file or drivers.redis.password_env",
        ),
        "WRONGPASS" => (
            ErrorKind::Settings,
            "refuses the password: look at drivers.redis.password_file or drivers.redis.password_env",
        ),
        "NOPERM" => (
            ErrorKind::Settings,
            "does not let drivers.redis.user do this: change the user's rules (ACL SETUSER)",
        ),
        // Redis gives this no code of its own.
        "ERR" if refusal.details().is_some_and(|details| details.starts_with("max number of clients")) => (
            ErrorKind::Unavailable,
            "has as many connections as its setting maxclients allows: raise it there, or end connections",
        ),
        "WRONGTYPE" => {
            (ErrorKind::Invalid, "has something that is no row under this key, and leaves it alone")
        }
        _ => (ErrorKind::Internal, "refused a command"),
    };
    error(kind, endpoint, what, refusal)
}

fn error(kind: ErrorKind, endpoint: &Endpoint, what: &str, refusal: &ServerError) -> Error {
    let details = refusal.details().unwrap_or_default();
    let details: String = details.chars().filter(|letter| !letter.is_control()).take(SHOWN_LETTERS).collect();
    Error::new(kind, format!("{endpoint} {what} ({} {details})", refusal.code()))
}
