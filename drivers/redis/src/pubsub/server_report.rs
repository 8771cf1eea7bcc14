use std::sync::Arc;

use pubsub_api::{Error, ErrorKind};

use super::wire::RespFrame;
use crate::servers::{Endpoint, Mode, Role, info, sentinel_refused};

/// A server's report about itself: its answers to ROLE and INFO. A field is `None` if the user may not ask for it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct ServerReport {
    pub(super) role: Option<Role>,
    pub(super) mode: Option<Mode>,
    /// The id of this run of its process: a server that has the same address later has another one.
    pub(super) run: Option<Arc<str>>,
    /// Whether the user may call ROLE.
    pub(super) answers_role: bool,
}

impl ServerReport {
    /// Parses the answers to ROLE and INFO, either of which may be a refusal.
    pub(super) fn read(role: &RespFrame, info_answer: &RespFrame) -> Self {
        let text = text(info_answer).unwrap_or_default();
        let from_role = role_of(role);
        Self {
            answers_role: from_role.is_some(),
            role: from_role.or_else(|| Role::from_info(&text)),
            mode: Mode::from_info(&text),
            run: info::field(&text, "run_id").map(Arc::from),
        }
    }

    /// The reason to leave a server that sent this report, given the report from its address `now`; `None` to stay.
    pub(super) fn reason_to_leave(&self, now: &Self) -> Option<String> {
        match (&now.role, &self.run, &now.run) {
            (_, Some(then), Some(now)) if then != now => {
                Some("its address leads to another server, or the server restarted".to_owned())
            }
            (Some(Role::Replica { of, .. }), ..) => Some(format!("it is a replica of {of} now")),
            _ => None,
        }
    }

    /// The error, if events cannot be published to the server at `endpoint` or received from it.
    ///
    /// A replica delivers its master's events only while its link is up, and events published to it do not reach the master's
    /// subscribers. In a cluster each node forwards events to all nodes, and roles do not matter.
    pub(super) fn refusal(&self, endpoint: &Endpoint) -> Option<Error> {
        match (self.mode, &self.role) {
            (Some(Mode::Sentinel), _) | (_, Some(Role::Sentinel)) => Some(sentinel_refused(endpoint)),
            (Some(Mode::Cluster), _) => None,
            (_, Some(Role::Replica { of, .. })) => {
                let text = format!(
                    "{endpoint} is a replica of {of}; events published there do not reach its master: set drivers.redis.hosts to the \
                     master, or to a name or address that follows the master"
                );
                Some(Error::new(ErrorKind::Unavailable, text))
            }
            _ => None,
        }
    }
}

/// Parses an answer to ROLE; `None` if it is a refusal or malformed.
pub(super) fn role_of(answer: &RespFrame) -> Option<Role> {
    let RespFrame::List(parts) = answer else { return None };
    let words: Vec<_> = parts.iter().map(|part| text(part).unwrap_or_default()).collect();
    Role::from_words(words.iter().map(String::as_str))
}

fn text(frame: &RespFrame) -> Option<String> {
    match frame {
        RespFrame::Bulk(bytes) => Some(String::from_utf8_lossy(bytes).into_owned()),
        RespFrame::Status(text) => Some(text.clone()),
        RespFrame::Int(number) => Some(number.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use pubsub_api::ErrorKind;

    use super::{Endpoint, Mode, RespFrame, Role, ServerReport};

    fn bulk(text: &str) -> RespFrame {
        RespFrame::Bulk(Bytes::copy_from_slice(text.as_bytes()))
    }

    fn refused() -> RespFrame {
        RespFrame::Refused("NOPERM no".to_owned())
    }

    fn refusal(role: &RespFrame, info: &RespFrame) -> Option<(ErrorKind, String)> {
        let endpoint = Endpoint::parse("192.0.2.1:6379", "").unwrap();
        let error = ServerReport::read(role, info).refusal(&endpoint);
        error.map(|error| (error.kind(), error.to_string()))
    }

    fn replica() -> RespFrame {
        RespFrame::List(vec![
            bulk("slave"),
            bulk("192.0.2.2"),
            RespFrame::Int(6379),
            bulk("connected"),
            RespFrame::Int(7),
        ])
    }

    #[test]
    fn a_replica_is_refused_with_its_master_unless_it_is_in_a_cluster() {
        let (kind, text) = refusal(&replica(), &bulk("redis_mode:standalone\r\n")).unwrap();
        assert_eq!(kind, ErrorKind::Unavailable);
        assert!(text.contains("192.0.2.1:6379 is a replica of 192.0.2.2:6379"), "{text}");
        assert!(refusal(&replica(), &refused()).is_some());
        assert_eq!(refusal(&replica(), &bulk("redis_mode:cluster\r\n")), None);
        let info = "redis_mode:standalone\r\nrole:slave\r\nmaster_host:192.0.2.2\r\nmaster_port:6379\r\n";
        assert!(refusal(&refused(), &bulk(info)).is_some());
    }

    #[test]
    fn a_server_is_left_when_it_is_demoted_or_its_address_leads_to_another() {
        let master = RespFrame::List(vec![bulk("master"), RespFrame::Int(1), RespFrame::List(vec![])]);
        let (one, other) = (bulk("run_id:a\r\n"), bulk("run_id:b\r\n"));
        let then = ServerReport::read(&master, &one);
        let why = |role: &RespFrame, info: &RespFrame| then.reason_to_leave(&ServerReport::read(role, info));
        assert_eq!(why(&master, &one), None);
        assert_eq!(why(&refused(), &refused()), None, "a user that lost the right to ask stays");
        assert!(why(&replica(), &one).unwrap().contains("a replica of 192.0.2.2:6379"));
        assert!(why(&master, &other).unwrap().contains("another server"));
    }

    #[test]
    fn sentinel_is_refused_permanently() {
        let role = RespFrame::List(vec![bulk("sentinel"), RespFrame::List(vec![])]);
        assert_eq!(refusal(&role, &refused()).unwrap().0, ErrorKind::Settings);
        assert_eq!(refusal(&refused(), &bulk("server_mode:sentinel\r\n")).unwrap().0, ErrorKind::Settings);
    }

    #[test]
    fn a_master_is_accepted_and_so_is_a_server_that_may_not_be_asked() {
        let role = RespFrame::List(vec![bulk("master"), RespFrame::Int(1), RespFrame::List(vec![])]);
        let report = ServerReport::read(&role, &bulk("run_id:abc\r\nredis_mode:standalone\r\n"));
        assert_eq!((report.role.clone(), report.mode), (Some(Role::Master), Some(Mode::Standalone)));
        assert_eq!((report.run.as_deref(), report.answers_role), (Some("abc"), true));
        assert_eq!(refusal(&role, &refused()), None);
        assert_eq!(refusal(&refused(), &refused()), None);
    }
}
