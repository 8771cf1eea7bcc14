use pubsub_api::{Error, ErrorKind};
use redis::{ServerError, Value};

use super::Endpoint;
use super::announced::Announced;

/// How much of a server's own words is shown.
const SHOWN_LETTERS: usize = 200;

/// How a server begins that has no place for another client; it closes the connection then (`maxclients`).
const MAX_CLIENTS: &str = "max number of clients";

/// What a server answered to one command.
pub(super) enum Said {
    /// This.
    Value(Value),
    /// That another serves this slot from now on.
    Moved(u16, Announced),
    /// That the key is at another already, while its slot is on the way there.
    Ask(Announced),
    /// That it was not done, and may be in a moment.
    NotNow(Error),
    /// That it was not done, and will not be.
    Never(Error),
}

/// A refusal in the server's words: `CODE details`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Refusal<'a> {
    code: &'a str,
    details: &'a str,
}

/// Understands an answer of the server at `endpoint`.
pub(super) fn said(value: Value, endpoint: &Endpoint, clustered: bool) -> Said {
    let Value::ServerError(refusal) = value else { return Said::Value(value) };
    let refusal = Refusal::of(&refusal);
    let not_now = |what| Said::NotNow(refusal.error(ErrorKind::Unavailable, endpoint, what));
    match refusal.code {
        "MOVED" | "ASK" => refusal.redirect(endpoint),
        "LOADING" => not_now("is loading its rows from disk or from its master"),
        "MASTERDOWN" => not_now("is a replica that lost its master, and is told not to serve its old rows"),
        "TRYAGAIN" | "CLUSTERDOWN" | "BUSY" => not_now("cannot do it now"),
        // A master that was one no more when the command came: the slots have a new one, or will have.
        "READONLY" if clustered => not_now("is no master any more"),
        _ => Said::Never(refusal.last(endpoint)),
    }
}

/// Why the server at `endpoint` serves nobody like us, if its first refusal says that; any other one shows that it serves.
pub(super) fn not_let_in(refusal: &ServerError, endpoint: &Endpoint) -> Option<Error> {
    let refusal = Refusal::of(refusal);
    let is_final = refusal.is_about_clients() || matches!(refusal.code, "NOAUTH" | "DENIED");
    is_final.then(|| refusal.last(endpoint))
}

impl<'a> Refusal<'a> {
    fn of(refusal: &'a ServerError) -> Self {
        let whole = Self { code: refusal.code(), details: refusal.details().unwrap_or_default() };
        whole.inside_script().unwrap_or(whole)
    }

    /// What stopped a script. Redis before 7.0 wraps the refusal of the command inside: `ERR Error running script (call to
    /// f_…): @user_script:1: @user_script: 1: -READONLY You can't write against a read only replica.` Later versions pass it
    /// on as it is.
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

    fn redirect(self, endpoint: &Endpoint) -> Said {
        let parsed = self
            .details
            .split_once(' ')
            .and_then(|(slot, address)| Some((slot.parse::<u16>().ok()?, Announced::parse(address.trim())?)));
        match parsed {
            Some((slot, to)) if self.code == "MOVED" => Said::Moved(slot, to),
            Some((_, to)) => Said::Ask(to),
            None => Said::NotNow(self.error(
                ErrorKind::Unavailable,
                endpoint,
                "redirects to an address that cannot be read",
            )),
        }
    }

    /// What is not worth another attempt.
    fn last(self, endpoint: &Endpoint) -> Error {
        let (kind, what) = match self.code {
            "READONLY" => (
                ErrorKind::Unavailable,
                "is a read-only replica, and no write can be done there: name its master in drivers.redis.hosts",
            ),
            "MISCONF" => (
                ErrorKind::Unavailable,
                "accepts no writes, since it cannot save them to its disk: mend that there",
            ),
            "NOREPLICAS" => (ErrorKind::Unavailable, "accepts no writes, since it has too few replicas"),
            "DENIED" => {
                (ErrorKind::Unavailable, "is in protected mode and accepts no connections of other hosts")
            }
            _ if self.is_about_clients() => (
                ErrorKind::Unavailable,
                "has no place for another client: raise maxclients there, or end some of its clients (CLIENT LIST)",
            ),
            "OOM" => (
                ErrorKind::Overloaded,
                "accepts no writes, since it has used all memory that it may: raise maxmemory there, or find out what \
                 uses it (INFO memory, CLIENT LIST)",
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
            "WRONGTYPE" => {
                (ErrorKind::Invalid, "has something that is no row under this key, and leaves it alone")
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

    use super::{Said, said};
    use crate::servers::Endpoint;

    fn said_of(line: &str, clustered: bool) -> Said {
        let value = redis::parse_redis_value(format!("-{line}\r\n").as_bytes()).unwrap();
        said(value, &Endpoint::parse("192.0.2.1:6379", "").unwrap(), clustered)
    }

    fn error(line: &str) -> Error {
        match said_of(line, false) {
            Said::NotNow(error) | Said::Never(error) => error,
            _ => panic!("{line} is a refusal"),
        }
    }

    /// As Redis 6.2.14 wraps them, and as 7.0.15 and Valkey 9.1.2 pass them on.
    #[test]
    fn what_stops_a_script_is_of_the_same_kind_in_every_version() {
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
                "name its master",
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
                "no row",
            ),
        ] {
            for line in [inside.to_owned(), wrapped(inside), format!("{inside} script: on @user_script:1.")] {
                let error = error(&line);
                assert_eq!(error.kind(), kind, "{line}");
                assert!(error.to_string().contains(says), "{error}");
            }
        }
        assert!(matches!(said_of(&wrapped("READONLY You can't write"), true), Said::NotNow(_)));
        let other = error(&wrapped("something else"));
        assert_eq!(other.kind(), ErrorKind::Internal);
    }

    #[test]
    fn a_server_without_room_for_clients_is_unavailable() {
        for line in
            ["ERR max number of clients reached", "ERR max number of clients + cluster connections reached"]
        {
            let error = error(line);
            assert_eq!(error.kind(), ErrorKind::Unavailable);
            assert!(error.to_string().contains("raise maxclients"), "{error}");
        }
    }

    #[test]
    fn a_server_that_lacks_its_rows_for_now_is_unavailable() {
        for line in [
            "LOADING Redis is loading the dataset in memory",
            "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
        ] {
            assert!(matches!(said_of(line, false), Said::NotNow(_)), "{line}");
            assert_eq!(error(line).kind(), ErrorKind::Unavailable);
        }
    }
}
