use pubsub_api::{Error, ErrorKind};
use redis::Value;

use super::{Endpoint, Mode, Role, sentinel_refused};

/// What a server reports about itself: its answers to ROLE and INFO. A field is `None` if its user may not ask for it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Report {
    pub(super) role: Option<Role>,
    pub(super) mode: Option<Mode>,
}

impl Report {
    /// Reads the answers to ROLE and INFO, either of which may be a refusal.
    pub(super) fn read(role: &Value, info: &Value) -> Self {
        let info = text(info).unwrap_or_default();
        let role = match role {
            Value::Array(parts) => {
                let words: Vec<_> = parts.iter().map(|part| text(part).unwrap_or_default()).collect();
                Role::from_words(words.iter().map(String::as_str))
            }
            _ => None,
        };
        Self { role: role.or_else(|| Role::from_info(&info)), mode: Mode::from_info(&info) }
    }

    /// Why nothing that the server at `endpoint` answers can be relied on, if that is so.
    pub(super) fn refusal(&self, endpoint: &Endpoint) -> Option<Error> {
        match (self.mode, &self.role) {
            (Some(Mode::Sentinel), _) | (_, Some(Role::Sentinel)) => Some(sentinel_refused(endpoint)),
            // A node of a cluster redirects to whoever serves a slot.
            (Some(Mode::Cluster), _) => None,
            (_, Some(role)) if !role.is_current() => {
                let text = format!(
                    "{endpoint} is {role}: its rows may be old or absent, so none is read; restore its link, or name its \
                     master in drivers.redis.hosts"
                );
                Some(Error::new(ErrorKind::Unavailable, text))
            }
            _ => None,
        }
    }
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
    fn a_replica_without_its_master_is_refused_unless_a_cluster_has_others() {
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
    fn a_user_that_may_call_info_alone_learns_the_role() {
        let report = Report::read(&Value::Nil, &bulk("redis_mode:standalone\r\nrole:master\r\n"));
        assert_eq!(report, Report { role: Some(Role::Master), mode: Some(Mode::Standalone) });
        assert_eq!(kind(&report), None);
        assert_eq!(kind(&Report::read(&Value::Nil, &Value::Nil)), None);
    }

    #[test]
    fn sentinel_is_refused_for_good() {
        let role = Value::Array(vec![bulk("sentinel"), Value::Array(vec![])]);
        assert_eq!(kind(&Report::read(&role, &Value::Nil)), Some(ErrorKind::Settings));
        assert_eq!(
            kind(&Report::read(&Value::Nil, &bulk("server_mode:sentinel\r\n"))),
            Some(ErrorKind::Settings)
        );
    }
}
