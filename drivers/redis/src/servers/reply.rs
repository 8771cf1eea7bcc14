use pubsub_api::{Error, ErrorKind};
use redis::{ServerError, Value};

use super::Endpoint;
use super::announced::Announced;

/// The number of characters of a server's message that an error shows.
const SHOWN_LETTERS: usize = 200;

/// The start of the message of a server that has reached `maxclients`; it closes the connection then.
const MAX_CLIENTS: &str = "max number of clients";

/// A server's answer to one command.
pub(super) enum Reply {
    /// The value.
    Value(Value),
    /// Another server serves this slot from now on.
    Moved(u16, Announced),
    /// The key has moved already, while its slot is moving.
    Ask(Announced),
    /// The command was not done, and may succeed in a moment.
    NotNow(Error),
    /// The command was not done, and a retry does not help.
    Never(Error),
}

/// An error reply of the server: `CODE details`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Refusal<'a> {
    code: &'a str,
    details: &'a str,
}

/// Interprets an answer of the server at `endpoint`.
pub(super) fn interpret(value: Value, endpoint: &Endpoint, clustered: bool) -> Reply {
    let Value::ServerError(refusal) = value else { return Reply::Value(value) };
    let refusal = Refusal::of(&refusal);
    let not_now = |what| Reply::NotNow(refusal.error(ErrorKind::Unavailable, endpoint, what));
    match refusal.code {
        "MOVED" | "ASK" => refusal.redirect(endpoint),
        "LOADING" => not_now("is loading its rows from disk or from its master"),
        "MASTERDOWN" => {
            not_now("is a replica that lost its master, and is configured not to serve stale rows")
        }
        "TRYAGAIN" | "CLUSTERDOWN" | "BUSY" => not_now("cannot execute the command now"),
        // The server lost its role as master before the command arrived: the slots have a new master, or will have one.
        "READONLY" if clustered => not_now("is not a master any more"),
        _ => Reply::Never(refusal.last(endpoint)),
    }
}

/// The error of a server that refuses this client, if its first refusal means that; any other refusal shows that it serves.
pub(super) fn login_refusal(refusal: &ServerError, endpoint: &Endpoint) -> Option<Error> {
    let refusal = Refusal::of(refusal);
    let is_final = refusal.is_about_clients() || matches!(refusal.code, "NOAUTH" | "DENIED");
    is_final.then(|| refusal.last(endpoint))
}

impl<'a> Refusal<'a> {
    fn of(refusal: &'a ServerError) -> Self {
        let whole = Self { code: refusal.code(), details: refusal.details().unwrap_or_default() };
        whole.inside_script().unwrap_or(whole)
    }

    /// The error that stopped a script. Redis before 7.0 wraps the command's error: `ERR Error running script (call to
    /// f_…): @user_script:1: @user_script: 1: -READONLY You can't write against a read only replica.` Later versions return it
    /// unchanged.
    fn inside_script(self) -> Option<Self> {
        let from_script = self.code == "ERR" && self.details.starts_with("Error running script");
        let (_, inside) = self.details.split_once(": -").filter(|_| from_script)?;
        let (code, details) = inside.split_once(' ').unwrap_or((inside, ""));
        let is_code = !code.is_empty() && code.bytes().all(|byte| byte.is_ascii_uppercase());
        is_code.then_some(Self { code, details })
    }

    fn is_about_clients(self) -> bool {
        self.code == "ERR" && self.details.starts_with(MAX_CLIENTS)
    }

    fn redirect(self, endpoint: &Endpoint) -> Reply {
        let parsed = self
            .details
            .split_once(' ')
            .and_then(|(slot, address)| Some((slot.parse::<u16>().ok()?, Announced::parse(address.trim())?)));
        match parsed {
            Some((slot, to)) if self.code == "MOVED" => Reply::Moved(slot, to),
            Some((_, to)) => Reply::Ask(to),
            None => {
                Reply::NotNow(self.error(ErrorKind::Unavailable, endpoint, "redirects to an invalid address"))
            }
        }
    }

    /// The error for a refusal that a retry does not change.
    fn last(self, endpoint: &Endpoint) -> Error {
        let (kind, what) = match self.code {
            "READONLY" => (
                ErrorKind::Unavailable,
                "is a read-only replica and refuses writes: set drivers.redis.hosts to its master",
            ),
            "MISCONF" => (
                ErrorKind::Unavailable,
                "refuses writes because it cannot save them to its disk: fix that there",
            ),
            "NOREPLICAS" => (ErrorKind::Unavailable, "refuses writes because it has too few replicas"),
            "DENIED" => {
                (ErrorKind::Unavailable, "is in protected mode and refuses connections from other hosts")
            }
            _ if self.is_about_clients() => (
                ErrorKind::Unavailable,
                "has reached its limit of clients: raise maxclients there, or disconnect some of its clients (CLIENT LIST)",
            ),
            "OOM" => (
                ErrorKind::Overloaded,
                "refuses writes because its memory is full: raise maxmemory there, or find out what \
                 uses it (INFO memory, CLIENT LIST)",
            ),
            "NOAUTH" => (
                ErrorKind::Settings,
                "requires a password: set drivers.redis.password_file or drivers.redis.password_env",
            ),
            "WRONGPASS" => (
                ErrorKind::Settings,
                "refuses the password: check drivers.redis.password_file or drivers.redis.password_env",
            ),
            "NOPERM" => (
                ErrorKind::Settings,
                "does not allow drivers.redis.user to do this: change the user's rules (ACL SETUSER)",
            ),
            "WRONGTYPE" => {
                (ErrorKind::Invalid, "has a value under this key that is not a row; it was not changed")
            }
            _ => (ErrorKind::Internal, "refused a command"),
        };
        self.error(kind, endpoint, what)
    }

    fn error(self, kind: ErrorKind, endpoint: &Endpoint, what: &str) -> Error {
        let shown = self.details.chars().filter(|letter| !letter.is_control()).take(SHOWN_LETTERS);
        Error::new(kind, format!("{endpoint} {what} ({} {})", self.code, shown.collect::<String>()))
    }
}

#[cfg(test)]
mod tests {
    use pubsub_api::{Error, ErrorKind};

    use super::{Reply, interpret};
    use crate::servers::Endpoint;

    fn said_of(line: &str, clustered: bool) -> Reply {
        let value = redis::parse_redis_value(format!("-{line}\r\n").as_bytes()).unwrap();
        interpret(value, &Endpoint::parse("192.0.2.1:6379", "").unwrap(), clustered)
    }

    fn error(line: &str) -> Error {
        match said_of(line, false) {
            Reply::NotNow(error) | Reply::Never(error) => error,
            _ => panic!("{line} is a refusal"),
        }
    }

    /// As Redis 6.2.14 wraps them, and as 7.0.15 and Valkey 9.1.2 return them.
    #[test]
    fn an_error_that_stops_a_script_has_the_same_kind_in_every_version() {
        let wrapped = |inside: &str| {
            format!(
                "ERR Error running script (call to f_b652620c7b713fe37100e275ef452e9b375fe26d): @user_script:1: \
                 @user_script: 1: -{inside}"
            )
        };
        for (inside, kind, says) in [
            (
                "READONLY You can't write against a read only replica.",
                ErrorKind::Unavailable,
                "to its master",
            ),
            (
                "OOM command not allowed when used memory > 'maxmemory'.",
                ErrorKind::Overloaded,
                "raise maxmemory",
            ),
            (
                "MISCONF Redis is configured to save RDB snapshots, but it is currently not able to persist on disk.",
                ErrorKind::Unavailable,
                "cannot save",
            ),
            ("NOREPLICAS Not enough good replicas to write.", ErrorKind::Unavailable, "too few replicas"),
            (
                "WRONGTYPE Operation against a key holding the wrong kind of value",
                ErrorKind::Invalid,
                "not a row",
            ),
        ] {
            for line in [inside.to_owned(), wrapped(inside), format!("{inside} script: on @user_script:1.")] {
                let error = error(&line);
                assert_eq!(error.kind(), kind, "{line}");
                assert!(error.to_string().contains(says), "{error}");
            }
        }
        assert!(matches!(said_of(&wrapped("READONLY You can't write"), true), Reply::NotNow(_)));
        let other = error(&wrapped("something else"));
        assert_eq!(other.kind(), ErrorKind::Internal);
    }

    #[test]
    fn a_server_that_has_reached_maxclients_is_unavailable() {
        for line in
            ["ERR max number of clients reached", "ERR max number of clients + cluster connections reached"]
        {
            let error = error(line);
            assert_eq!(error.kind(), ErrorKind::Unavailable);
            assert!(error.to_string().contains("raise maxclients"), "{error}");
        }
    }

    #[test]
    fn a_server_without_its_rows_for_now_is_unavailable() {
        for line in [
            "LOADING Redis is loading the dataset in memory",
            "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
        ] {
            assert!(matches!(said_of(line, false), Reply::NotNow(_)), "{line}");
            assert_eq!(error(line).kind(), ErrorKind::Unavailable);
        }
    }
}
