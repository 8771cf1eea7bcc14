use pubsub_api::{Error, ErrorKind};
use redis::Value;

use super::eviction::Eviction;
use super::{Endpoint, Mode, Role, info, sentinel_refused};

/// A server's report about itself: its answers to ROLE and INFO. A field is `None` if the user may not ask for it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Report {
    pub(super) role: Option<Role>,
    pub(super) mode: Option<Mode>,
    pub(super) history: Option<History>,
    /// Whether it is still loading its rows, from disk or from its master.
    pub(super) is_loading: bool,
    /// The number of its keys.
    pub(super) keys: Option<u64>,
    pub(super) eviction: Option<Eviction>,
}

/// Identifies the rows of a server: while it stays the same, only writes change them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct History {
    /// Changes with each start of the server.
    pub(super) run_id: String,
    /// Changes when a replica resynchronizes fully with a master, or becomes one (INFO replication, `master_replid`).
    replication_id: String,
}

impl Report {
    /// Parses the answers to ROLE and INFO, either of which may be a refusal.
    pub(super) fn read(role: &Value, info: &Value) -> Self {
        let info = text(info).unwrap_or_default();
        let role = match role {
            Value::Array(parts) => {
                let words: Vec<_> = parts.iter().map(|part| text(part).unwrap_or_default()).collect();
                Role::from_words(words.iter().map(String::as_str))
            }
            _ => None,
        };
        let field = |name| info::field(&info, name).map(str::to_owned);
        let history = field("run_id").zip(field("master_replid"));
        Self {
            role: role.or_else(|| Role::from_info(&info)),
            mode: Mode::from_info(&info),
            history: history.map(|(run_id, replication_id)| History { run_id, replication_id }),
            is_loading: ["loading", "async_loading"].iter().any(|name| info::field(&info, name) == Some("1")),
            keys: keys(&info),
            eviction: Eviction::from_info(&info),
        }
    }

    /// The error, if the answers of the server at `endpoint` cannot be trusted.
    pub(super) fn refusal(&self, endpoint: &Endpoint) -> Option<Error> {
        match (self.mode, &self.role) {
            (Some(Mode::Sentinel), _) | (_, Some(Role::Sentinel)) => Some(sentinel_refused(endpoint)),
            // A cluster node redirects to the server of the slot.
            (Some(Mode::Cluster), _) => None,
            (_, Some(role)) if !role.is_current() => {
                let text = format!(
                    "{endpoint} is {role}: its rows may be stale or missing, so they are not read; restore its link, or set \
                     drivers.redis.hosts to its master"
                );
                Some(Error::new(ErrorKind::Unavailable, text))
            }
            _ => None,
        }
    }
}

/// Parses INFO keyspace, which omits a database without keys: `db0:keys=5,expires=0,avg_ttl=0`.
fn keys(info: &str) -> Option<u64> {
    info::field(info, "run_id")?;
    let Some(counts) = info::field(info, "db0") else { return Some(0) };
    counts.split(',').find_map(|count| count.strip_prefix("keys=")?.parse().ok())
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::BulkString(bytes) => Some(String::from_utf8_lossy(bytes).into_owned()),
        Value::SimpleString(text) => Some(text.clone()),
        Value::Int(number) => Some(number.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use pubsub_api::ErrorKind;
    use redis::Value;

    use super::{Endpoint, Mode, Report, Role};

    fn bulk(text: &str) -> Value {
        Value::BulkString(text.as_bytes().to_vec())
    }

    fn kind(report: &Report) -> Option<ErrorKind> {
        let endpoint = Endpoint::parse("192.0.2.1:6379", "").unwrap();
        report.refusal(&endpoint).map(|error| error.kind())
    }

    #[test]
    fn a_replica_without_its_master_is_refused_unless_it_is_in_a_cluster() {
        let role = Value::Array(vec![
            bulk("slave"),
            bulk("192.0.2.2"),
            Value::Int(6379),
            bulk("connect"),
            Value::Int(-1),
        ]);
        let report = |mode: &str| Report::read(&role, &bulk(&format!("redis_mode:{mode}\r\n")));
        assert_eq!(kind(&report("standalone")), Some(ErrorKind::Unavailable));
        assert_eq!(kind(&report("cluster")), None);
        assert_eq!(kind(&Report::read(&role, &Value::Nil)), Some(ErrorKind::Unavailable));
    }

    #[test]
    fn a_user_that_may_call_only_info_learns_the_role() {
        let report = Report::read(&Value::Nil, &bulk("redis_mode:standalone\r\nrole:master\r\n"));
        let wanted = Report { role: Some(Role::Master), mode: Some(Mode::Standalone), ..Report::default() };
        assert_eq!(report, wanted);
        assert_eq!(kind(&report), None);
        assert_eq!(kind(&Report::read(&Value::Nil, &Value::Nil)), None);
    }

    #[test]
    fn the_rows_of_a_server_are_counted() {
        let keys = |text: &str| Report::read(&Value::Nil, &bulk(text)).keys;
        assert_eq!(keys("run_id:a\r\n# Keyspace\r\ndb0:keys=12,expires=0,avg_ttl=0\r\n"), Some(12));
        assert_eq!(keys("run_id:a\r\n# Keyspace\r\n"), Some(0));
        assert_eq!(keys(""), None, "unknown");
    }

    #[test]
    fn sentinel_is_refused_permanently() {
        let role = Value::Array(vec![bulk("sentinel"), Value::Array(vec![])]);
        assert_eq!(kind(&Report::read(&role, &Value::Nil)), Some(ErrorKind::Settings));
        assert_eq!(
            kind(&Report::read(&Value::Nil, &bulk("server_mode:sentinel\r\n"))),
            Some(ErrorKind::Settings)
        );
    }
}
