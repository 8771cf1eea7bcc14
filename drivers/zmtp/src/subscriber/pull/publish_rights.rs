use pubsub_api::Topic;
use pubsub_api::wire::EventRef;

use super::credentials::{Credentials, SocketFile};
use crate::WorkerRight;

/// What one connected worker may publish.
#[derive(Debug, Clone, Default)]
pub(crate) enum PublishRights {
    /// Every event: `worker_rights` is empty.
    #[default]
    All,
    /// What one of these allows.
    Limited(Vec<WorkerRight>),
}

impl PublishRights {
    /// The rights of a worker that connected through this socket; `None` if no entry names its user or one of its groups.
    pub(crate) fn of(rights: &[WorkerRight], peer: &Credentials, socket: Option<SocketFile>) -> Option<Self> {
        if rights.is_empty() {
            return Some(Self::All);
        }
        let is_named = |right: &&WorkerRight| peer.is(right.principal, socket) == Some(true);
        let own: Vec<_> = rights.iter().filter(is_named).cloned().collect();
        (!own.is_empty()).then_some(Self::Limited(own))
    }

    /// Whether an event may be published.
    ///
    /// A map that cannot be read may pass: the service refuses it for what it is.
    #[inline]
    pub(crate) fn allow(&self, topic: &[u8], payload: &[u8]) -> bool {
        match self {
            Self::All => true,
            Self::Limited(rights) => is_allowed(rights, topic, payload),
        }
    }
}

fn is_allowed(rights: &[WorkerRight], topic: &[u8], payload: &[u8]) -> bool {
    let Ok(event) = EventRef::read(topic, payload) else { return true };
    let Ok(topic) = Topic::new(topic.to_vec()) else { return true };
    rights.iter().any(|right| right.allows(&topic, event.table))
}

#[cfg(test)]
mod tests {
    use pubsub_api::{Action, Envelope, Event, Topic};
    use rustix::process::geteuid;

    use super::PublishRights;
    use crate::subscriber::pull::credentials::Credentials;

    fn rights(entries: &[String]) -> Option<PublishRights> {
        let (one, _other) = tokio::net::UnixStream::pair().unwrap();
        let entries: Vec<_> = entries.iter().map(|entry| entry.parse().unwrap()).collect();
        PublishRights::of(&entries, &Credentials::of(&one).unwrap(), None)
    }

    fn allows(rights: &PublishRights, topic: &'static str, table: &str) -> bool {
        let event = Event::new(table, "k", Action::Set, "v", Topic::new(topic).unwrap());
        let Envelope { topic, payload } = Envelope::pack(&event).unwrap();
        rights.allow(topic.as_bytes(), &payload)
    }

    #[tokio::test]
    async fn a_worker_has_the_sum_of_the_rights_that_name_it() {
        let me = geteuid().as_raw();
        let own = rights(&[
            format!("uid:{me} table=lport topic=tenant-1"),
            format!("uid:{me} table=chassis"),
            "uid:4000000000".to_owned(),
        ])
        .unwrap();
        assert!(allows(&own, "tenant-1", "lport"));
        assert!(allows(&own, "D", "chassis"));
        assert!(!allows(&own, "tenant-2", "lport"));
        assert!(!allows(&own, "tenant-1", "lswitch"));
        assert!(own.allow(b"D", b"\xc1"), "the service refuses an invalid map");
        assert!(allows(&rights(&[]).unwrap(), "D", "any"));
        assert!(rights(&["uid:4000000000".to_owned()]).is_none());
    }
}
