use pubsub_api::wire::{EventRef, WireError};
use pubsub_api::{Envelope, Result, Topic};
use rmpv::Value as Msgpack;

use super::packing::{extra, number, pack};
use super::sync::{SyncItem, TOPIC, item, packed_item};

const TABLE: &str = "$applied";

/// The most bytes of an agent's version and of its state.
const MAX_WORD: usize = 64;

/// The most bytes of an agent's last error; what is longer is cut when it is packed.
const MAX_ERROR: usize = 512;

/// An agent's report to one publisher: how far it has applied the publisher's events. It is sent over the connection for requests,
/// and gets no reply.
///
/// ```
/// use delivery::{AppliedReport, Position, SyncItem};
/// use pubsub_api::SEND_ALL;
///
/// let report = AppliedReport {
///     agent: "compute-7".to_owned(),
///     instance: 17,
///     version: "0.1.0".to_owned(),
///     state: "live".to_owned(),
///     error: None,
///     positions: vec![SyncItem { topic: SEND_ALL, position: Position { epoch: 1, sequence: 41 } }],
/// };
/// assert_eq!(AppliedReport::read(&report.pack()?)?, Some(report));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppliedReport {
    /// The agent's name, 1 to 255 bytes.
    pub agent: String,
    /// A random number of this start of the agent: two agents of one name differ in it.
    pub instance: u64,
    /// The agent's version, at most 64 bytes.
    pub version: String,
    /// The state of the publisher's stream at the agent, such as `live` or `recovering`; at most 64 bytes.
    pub state: String,
    /// The last error of a handler, if there was one.
    pub error: Option<HandlerError>,
    /// The last event of each topic that the agent has applied, with all events before it. At most
    /// [`MAX_POSITIONS`](Self::MAX_POSITIONS); topics that have not changed since the last report may be missing.
    pub positions: Vec<SyncItem>,
}

/// The last error of an agent's handlers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HandlerError {
    /// Its text; of a longer one the first 512 bytes are sent.
    pub text: String,
    /// How long ago it occurred, in seconds.
    pub seconds_ago: u64,
}

impl AppliedReport {
    /// The most positions of one report, so that it stays below 64 KiB; an agent with more topics sends several.
    pub const MAX_POSITIONS: usize = 200;

    /// The most bytes of an agent's name, as of a publisher's id.
    pub const MAX_NAME_BYTES: usize = 255;

    /// Packs it.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`](pubsub_api::ErrorKind::Invalid) if it is too big, which its bounds exclude.
    pub fn pack(&self) -> Result<Envelope> {
        let error = self.error.as_ref().map_or(Msgpack::Nil, |HandlerError { text, seconds_ago }| {
            Msgpack::Array(vec![beginning(text).into(), (*seconds_ago).into()])
        });
        let pairs = [
            ("instance", self.instance.into()),
            ("agent_version", self.version.as_str().into()),
            ("state", self.state.as_str().into()),
            ("error", error),
            ("applied", Msgpack::Array(self.positions.iter().map(packed_item).collect())),
        ];
        pack(Topic::new(TOPIC)?, TABLE, &self.agent, "applied", None, &pairs)
    }

    /// Reads one; `None` if the envelope is another request.
    ///
    /// # Errors
    /// The first [`WireError`] met; [`WireError::TooBig`] for a name, word, error or list above its bound.
    pub fn read(envelope: &Envelope) -> std::result::Result<Option<Self>, WireError> {
        let payload = &envelope.payload;
        let event = EventRef::read(envelope.topic.as_bytes(), payload)?;
        if event.topic.as_bytes() != TOPIC || event.action != "applied" {
            return Ok(None);
        }
        let agent = event.key.filter(|name| !name.is_empty()).ok_or(WireError::MissingField)?;
        let positions = extra(payload, "applied")?;
        let positions = positions.as_array().ok_or(WireError::WrongType)?;
        if agent.len() > Self::MAX_NAME_BYTES || positions.len() > Self::MAX_POSITIONS {
            return Err(WireError::TooBig);
        }
        Ok(Some(Self {
            agent: agent.to_owned(),
            instance: number(payload, "instance")?,
            version: word(&extra(payload, "agent_version")?, MAX_WORD)?,
            state: word(&extra(payload, "state")?, MAX_WORD)?,
            error: handler_error(&extra(payload, "error")?)?,
            positions: positions.iter().map(item).collect::<std::result::Result<_, _>>()?,
        }))
    }
}

fn handler_error(packed: &Msgpack) -> std::result::Result<Option<HandlerError>, WireError> {
    match packed {
        Msgpack::Nil => Ok(None),
        Msgpack::Array(parts) => match parts.as_slice() {
            [text, seconds_ago] => {
                let seconds_ago = seconds_ago.as_u64().ok_or(WireError::WrongType)?;
                Ok(Some(HandlerError { text: word(text, MAX_ERROR)?, seconds_ago }))
            }
            _ => Err(WireError::WrongType),
        },
        _ => Err(WireError::WrongType),
    }
}

fn word(packed: &Msgpack, max: usize) -> std::result::Result<String, WireError> {
    let text = packed.as_str().ok_or(WireError::WrongType)?;
    if text.len() > max { Err(WireError::TooBig) } else { Ok(text.to_owned()) }
}

/// As much of a text as a report may have.
fn beginning(text: &str) -> &str {
    let ends = (0..=MAX_ERROR).rev();
    ends.filter_map(|end| text.get(..end)).next().unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use pubsub_api::{Envelope, Topic, wire::WireError};

    use super::{AppliedReport, HandlerError, MAX_WORD};
    use crate::{FullSyncRequest, Position, SyncItem, SyncRequest};

    /// A report with as much of everything as it may have.
    fn largest() -> AppliedReport {
        let topic = Topic::new("x".repeat(255)).unwrap();
        let position = Position { epoch: u64::MAX, sequence: u64::MAX };
        AppliedReport {
            agent: "n".repeat(AppliedReport::MAX_NAME_BYTES),
            instance: u64::MAX,
            version: "v".repeat(MAX_WORD),
            state: "s".repeat(MAX_WORD),
            error: Some(HandlerError { text: "e".repeat(512), seconds_ago: u64::MAX }),
            positions: vec![SyncItem { topic, position }; AppliedReport::MAX_POSITIONS],
        }
    }

    #[test]
    fn the_largest_report_reads_back_and_is_below_64_kib() {
        let packed = largest().pack().unwrap();
        assert!(packed.payload.len() < 64 * 1024, "{}", packed.payload.len());
        assert_eq!(AppliedReport::read(&packed).unwrap(), Some(largest()));
    }

    #[test]
    fn a_report_above_a_bound_is_refused() {
        let refused = |report: AppliedReport| AppliedReport::read(&report.pack().unwrap()).unwrap_err();
        let long = |text: &str| format!("{text}+");
        let base = largest;
        assert_eq!(refused(AppliedReport { agent: long(&base().agent), ..base() }), WireError::TooBig);
        assert_eq!(refused(AppliedReport { version: long(&base().version), ..base() }), WireError::TooBig);
        assert_eq!(refused(AppliedReport { state: long(&base().state), ..base() }), WireError::TooBig);
        assert_eq!(refused(AppliedReport { agent: String::new(), ..base() }), WireError::MissingField);
        let mut many = base();
        many.positions.push(many.positions[0].clone());
        assert_eq!(refused(many), WireError::TooBig);
    }

    #[test]
    fn a_long_error_is_cut_between_characters() {
        let text = format!("a{}", "é".repeat(300));
        let error = Some(HandlerError { text, seconds_ago: 3 });
        let packed = AppliedReport { error, ..largest() }.pack().unwrap();
        let read = AppliedReport::read(&packed).unwrap().unwrap();
        assert_eq!(read.error.unwrap().text, format!("a{}", "é".repeat(255)));
    }

    #[test]
    fn other_requests_are_not_reports_and_a_report_is_no_other_request() {
        let request = SyncRequest { id: 1, items: Vec::new() }.pack().unwrap();
        assert_eq!(AppliedReport::read(&request).unwrap(), None);
        let report: Envelope = largest().pack().unwrap();
        assert_eq!(FullSyncRequest::read(&report).unwrap(), None);
        assert_eq!(
            SyncRequest::read(&report).unwrap_err(),
            WireError::BadTopic,
            "an older publisher counts it"
        );
    }
}
