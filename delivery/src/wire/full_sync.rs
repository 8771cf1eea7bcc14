use std::collections::HashSet;
use std::fmt::Debug;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use pubsub_api::database::{Entry, RowPlace};
use pubsub_api::wire::{EventRef, WireError};
use pubsub_api::{Action, Envelope, Event, Result, SEND_ALL, Topic, TopicRights, Value};
use rmpv::Value as Msgpack;

use super::packing::{extra, number, pack};
use super::sync::TOPIC;

const TABLE: &str = "$rows";

/// The rows of each table.
pub type Tables = Vec<(String, Vec<Entry>)>;

/// The source of full syncs at a publisher: the northbound database, for subscribers that cannot reach it.
///
/// Several calls may share one reading that begins after all of them.
#[async_trait]
pub trait RowSource: Debug + Send + Sync {
    /// All rows, read after this call began: a subscriber that compares with them must track events from before its request.
    ///
    /// # Errors
    /// Why the rows cannot be read now.
    async fn tables(&self) -> Result<Arc<Tables>>;
}

/// A request for all rows of the database, on the connection for requests.
///
/// The reply is a [head](FullSyncReply), followed by as many envelopes as it announces, each a [row](StoredRow).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FullSyncRequest {
    /// The subscriber's number of the request, which the reply repeats.
    pub id: u64,
    /// The topics whose values are requested, at most [`MAX_TOPICS`](Self::MAX_TOPICS); of other rows only the names are sent.
    /// `None` requests the values of all.
    pub topics: Option<Vec<Topic>>,
}

/// The head of the reply to a [`FullSyncRequest`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FullSyncReply {
    /// Rows follow.
    Rows {
        /// The request's id.
        id: u64,
        /// The number of envelopes.
        count: u64,
    },
    /// The publisher has no rows to send, for this reason: request again later, or from another publisher.
    Unavailable {
        /// The request's id.
        id: u64,
        /// The reason, as text.
        reason: String,
    },
}

/// A row on the wire: packed as an event, so that it is read and bounded like every event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredRow {
    /// Its table.
    pub table: String,
    /// Its place in the table.
    pub place: RowPlace,
    /// Its value; `None` if only the name is sent.
    pub value: Option<Bytes>,
}

impl FullSyncRequest {
    /// The most topics of one request, so that it stays below 64 KiB; a subscriber with more requests all values.
    pub const MAX_TOPICS: usize = 200;

    /// Packs it.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`](pubsub_api::ErrorKind::Invalid) if it is too big, which [`MAX_TOPICS`](Self::MAX_TOPICS) excludes.
    pub fn pack(&self) -> Result<Envelope> {
        let topics = self.topics.as_ref().map_or(Msgpack::Nil, |topics| {
            Msgpack::Array(topics.iter().map(|topic| topic.as_str().into()).collect())
        });
        pack(Topic::new(TOPIC)?, TABLE, &self.id.to_string(), "rows", None, &[("topics", topics)])
    }

    /// Reads one; `None` if the envelope is another request.
    ///
    /// # Errors
    /// The first [`WireError`] met; [`WireError::TooBig`] above [`MAX_TOPICS`](Self::MAX_TOPICS).
    pub fn read(envelope: &Envelope) -> std::result::Result<Option<Self>, WireError> {
        let event = EventRef::read(envelope.topic.as_bytes(), &envelope.payload)?;
        if event.topic.as_bytes() != TOPIC || event.action != "rows" {
            return Ok(None);
        }
        let topics = match extra(&envelope.payload, "topics")? {
            Msgpack::Nil => None,
            Msgpack::Array(topics) if topics.len() > Self::MAX_TOPICS => return Err(WireError::TooBig),
            Msgpack::Array(topics) => Some(topics.iter().map(topic).collect::<std::result::Result<_, _>>()?),
            _ => return Err(WireError::WrongType),
        };
        Ok(Some(Self { id: id(&event)?, topics }))
    }

    /// The rows as they are sent in reply to this request, to a subscriber with these rights: rows of other topics are left out.
    pub fn rows<'a>(
        &'a self,
        tables: &'a Tables,
        rights: &'a TopicRights,
    ) -> impl Iterator<Item = StoredRow> + 'a {
        let wanted: Option<HashSet<&[u8]>> =
            self.topics.as_ref().map(|topics| topics.iter().map(Topic::as_bytes).collect());
        let is_wanted = move |place: &RowPlace| {
            let is_named = |wanted: &HashSet<&[u8]>| match &place.topic {
                Some(topic) => wanted.contains(topic.as_bytes()),
                None => wanted.contains(SEND_ALL.as_bytes()),
            };
            wanted.as_ref().is_none_or(is_named)
        };
        let rows = tables.iter().flat_map(|(table, entries)| entries.iter().map(move |entry| (table, entry)));
        let rows = rows.filter(|(_, entry)| is_allowed(rights, &entry.place));
        rows.map(move |(table, Entry { place, value })| StoredRow {
            table: table.clone(),
            place: place.clone(),
            value: is_wanted(place).then(|| value.clone()),
        })
    }
}

/// Whether rights include the topic of a row.
fn is_allowed(rights: &TopicRights, place: &RowPlace) -> bool {
    let topic = || place.topic.clone().map_or(Ok(SEND_ALL), Topic::new);
    rights.is_all() || topic().is_ok_and(|topic| rights.allows(&topic))
}

fn topic(packed: &Msgpack) -> std::result::Result<Topic, WireError> {
    let topic = packed.as_str().ok_or(WireError::WrongType)?.to_owned();
    Topic::new(topic).map_err(|_| WireError::BadTopic)
}

fn id(event: &EventRef<'_>) -> std::result::Result<u64, WireError> {
    event.key.and_then(|key| key.parse().ok()).ok_or(WireError::WrongType)
}

impl FullSyncReply {
    /// Packs it.
    ///
    /// # Errors
    /// None in practice: a head is far below the size limit.
    pub fn pack(&self) -> Result<Envelope> {
        let (id, action, extra) = match self {
            Self::Rows { id, count } => (id, "rows", ("count", Msgpack::from(*count))),
            Self::Unavailable { id, reason } => {
                (id, "unavailable", ("reason", Msgpack::from(reason.as_str())))
            }
        };
        pack(Topic::new(TOPIC)?, TABLE, &id.to_string(), action, None, &[extra])
    }

    /// Reads one; `None` if the envelope is not such a head.
    ///
    /// # Errors
    /// The first [`WireError`] met.
    pub fn read(envelope: &Envelope) -> std::result::Result<Option<Self>, WireError> {
        if envelope.topic.as_bytes() != TOPIC {
            return Ok(None);
        }
        let payload = &envelope.payload;
        let event = EventRef::read(TOPIC, payload)?;
        if event.table != Some(TABLE) {
            return Ok(None);
        }
        let id = id(&event)?;
        Ok(Some(match event.action {
            "rows" => Self::Rows { id, count: number(payload, "count")? },
            "unavailable" => {
                let reason = extra(payload, "reason")?;
                Self::Unavailable { id, reason: reason.as_str().ok_or(WireError::WrongType)?.to_owned() }
            }
            _ => return Err(WireError::WrongType),
        }))
    }
}

impl StoredRow {
    /// Packs it.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`](pubsub_api::ErrorKind::Invalid) if its topic is invalid; no value of a database is too big.
    pub fn pack(self) -> Result<Envelope> {
        let Self { table, place: RowPlace { key, topic }, value } = self;
        let topic = topic.map_or(Ok(SEND_ALL), Topic::new)?;
        let text = value.map(|value| String::from_utf8(value.to_vec()));
        let (action, value) = match text {
            Some(Ok(text)) => ("row", Value::Text(text)),
            // A value that is not text is not an object either, and is compared with nothing.
            Some(Err(_)) | None => ("name", Value::Nil),
        };
        Envelope::pack(&Event::new(table, key, Action::from(action), value, topic))
    }

    /// Reads one.
    ///
    /// # Errors
    /// The first [`WireError`] met.
    pub fn read(envelope: &Envelope) -> std::result::Result<Self, WireError> {
        let event = EventRef::read(envelope.topic.as_bytes(), &envelope.payload)?.to_event();
        let (Some(table), Some(key)) = (event.table, event.key) else { return Err(WireError::MissingField) };
        let value = match event.value {
            Value::Text(text) => Some(Bytes::from(text)),
            Value::Nil => None,
            Value::Other(_) => return Err(WireError::WrongType),
        };
        let topic = (event.topic != SEND_ALL).then(|| event.topic.to_string());
        Ok(Self { table, place: RowPlace { key, topic }, value })
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use pubsub_api::database::{Entry, RowPlace};
    use pubsub_api::wire::WireError;
    use pubsub_api::{Pattern, SEND_ALL, Topic, TopicRights};

    use super::{FullSyncReply, FullSyncRequest, StoredRow, Tables};
    use crate::SyncRequest;
    use crate::wire::sync;

    fn place(key: &str, topic: Option<&str>) -> RowPlace {
        RowPlace { key: key.to_owned(), topic: topic.map(str::to_owned) }
    }

    fn tables() -> Tables {
        let entry = |key, topic, value: &'static [u8]| Entry {
            place: place(key, topic),
            value: Bytes::from_static(value),
        };
        vec![
            ("a".to_owned(), vec![entry("1", None, b"{}"), entry("2", Some("t"), b"{\"x\":1}")]),
            ("b".to_owned(), vec![entry("{*?}", Some("u"), b"[]"), entry("4", None, b"\xff")]),
        ]
    }

    #[test]
    fn a_request_reads_back_and_the_largest_fits() {
        let topic = Topic::new("x".repeat(255)).unwrap();
        for topics in [None, Some(Vec::new()), Some(vec![topic; FullSyncRequest::MAX_TOPICS])] {
            let request = FullSyncRequest { id: u64::MAX, topics };
            let packed = request.pack().unwrap();
            assert!(packed.payload.len() < 64 * 1024, "{}", packed.payload.len());
            assert_eq!(FullSyncRequest::read(&packed).unwrap(), Some(request));
            assert_eq!(SyncRequest::read(&packed), Err(WireError::BadTopic), "another request");
        }
        let sync = SyncRequest { id: 1, items: Vec::new() }.pack().unwrap();
        assert_eq!(FullSyncRequest::read(&sync), Ok(None));
        let more = FullSyncRequest { id: 1, topics: Some(vec![SEND_ALL; FullSyncRequest::MAX_TOPICS + 1]) };
        assert_eq!(FullSyncRequest::read(&more.pack().unwrap()), Err(WireError::TooBig));
    }

    #[test]
    fn a_reply_reads_back_and_is_not_taken_for_another_message() {
        for answer in [
            FullSyncReply::Rows { id: 7, count: u64::MAX },
            FullSyncReply::Unavailable { id: 7, reason: "no database".to_owned() },
        ] {
            let packed = answer.pack().unwrap();
            assert_eq!(FullSyncReply::read(&packed).unwrap(), Some(answer));
            assert!(sync::SyncReply::read(&packed).is_err());
        }
    }

    #[test]
    fn every_row_is_sent_and_of_other_topics_only_its_name() {
        let tables = tables();
        let reported = |topics: Option<Vec<Topic>>| -> Vec<(String, bool)> {
            let request = FullSyncRequest { id: 1, topics };
            let rows = request
                .rows(&tables, &TopicRights::ALL)
                .map(|row| StoredRow::read(&row.pack().unwrap()).unwrap());
            rows.map(|row| (row.place.key, row.value.is_some())).collect()
        };
        let all = |values: [bool; 4]| -> Vec<(String, bool)> {
            ["1", "2", "{*?}", "4"].map(str::to_owned).into_iter().zip(values).collect()
        };
        assert_eq!(
            reported(None),
            all([true, true, true, false]),
            "a key that is no text is reported by its name"
        );
        assert_eq!(reported(Some(vec![SEND_ALL, Topic::new("u").unwrap()])), all([true, false, true, false]));
        assert_eq!(reported(Some(Vec::new())), all([false; 4]));
    }

    #[test]
    fn of_topics_outside_the_rights_not_even_the_name_of_a_row_is_sent() {
        let tables = tables();
        let request = FullSyncRequest { id: 1, topics: None };
        for (pattern, wanted) in [("t", &["2"][..]), ("D", &["1", "4"]), ("#", &["1", "2", "{*?}", "4"])] {
            let rights = TopicRights::from(pattern.parse::<Pattern>().unwrap());
            let keys: Vec<String> = request.rows(&tables, &rights).map(|row| row.place.key).collect();
            assert_eq!(keys, wanted);
        }
    }

    #[test]
    fn a_row_reads_back() {
        for topic in [None, Some("t")] {
            let row =
                StoredRow { table: "a".to_owned(), place: place("k", topic), value: Some(Bytes::from("{}")) };
            assert_eq!(StoredRow::read(&row.clone().pack().unwrap()).unwrap(), row);
        }
    }
}
