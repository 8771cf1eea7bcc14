use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Invocation, payload};
use crate::CallError;

/// What a caller and a callee send each other. The caller sends the first eight, the callee the others.
///
/// A call is named by its number, which a caller never uses twice toward one instance.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) enum CallMessage {
    /// The caller has no session at the callee.
    Open,
    /// A call, for the first time or again.
    Request(CallRequest),
    /// The call was acknowledged, and nothing was heard about it since.
    Query {
        /// The session of the call.
        session: u64,
        /// The call.
        number: u64,
    },
    /// The caller waits no more for this call.
    Cancel {
        /// The session of the call.
        session: u64,
        /// The call.
        number: u64,
    },
    /// The caller waits no more for any call with a lower number.
    Settled {
        /// The session of the calls.
        session: u64,
        /// The lowest number that the caller waits for, or will use next.
        below: u64,
    },
    /// The caller of a call with parts can receive more of them.
    Credit(PartCredit),
    /// A part of the arguments of a call.
    Argument {
        /// The session of the call.
        session: u64,
        /// The call.
        number: u64,
        /// The place of the part, from 0.
        index: u64,
        /// The part as JSON text.
        #[serde(deserialize_with = "payload::read_text")]
        text: Arc<str>,
    },
    /// The arguments of a call have no more parts.
    ArgumentsEnd {
        /// The session of the call.
        session: u64,
        /// The call.
        number: u64,
        /// The number of parts.
        parts: u64,
    },
    /// The caller's session; in reply to `Open`, and to a request or query of another session.
    Session(u64),
    /// The callee has no place for one more session.
    NoSession,
    /// The acknowledgement: the callee has these calls and runs them.
    Accepted {
        /// The calls.
        numbers: Vec<u64>,
    },
    /// The callee still runs these calls.
    Progress {
        /// The session of the calls.
        session: u64,
        /// The calls.
        numbers: Vec<u64>,
    },
    /// A part of the result of a call.
    Part {
        /// The call.
        number: u64,
        /// The place of the part, from 0.
        index: u64,
        /// The part as JSON text.
        #[serde(deserialize_with = "payload::read_text")]
        text: Arc<str>,
    },
    /// The callee can receive more parts of the arguments of a call.
    ArgumentCredit(PartCredit),
    /// The end of a call.
    Result {
        /// The call.
        number: u64,
        /// The number of parts before it.
        parts: u64,
        /// What the method returned, as JSON text, or why there is no result.
        #[serde(deserialize_with = "payload::read_result")]
        result: Result<Arc<str>, CallError>,
    },
}

/// How far a receiver is with the parts of a call: a caller with those of the result, a callee with those of the arguments.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PartCredit {
    /// The session of the call.
    pub(crate) session: u64,
    /// The call.
    pub(crate) number: u64,
    /// All parts below this have arrived.
    pub(crate) received: u64,
    /// Parts below this may be sent.
    pub(crate) limit: u64,
    /// Whether the parts that have not arrived are to be sent again.
    pub(crate) is_repeat: bool,
}

impl CallMessage {
    /// Returns whether a caller sends it to a callee.
    pub(crate) fn is_for_callee(&self) -> bool {
        match self {
            Self::Open
            | Self::Request(_)
            | Self::Query { .. }
            | Self::Cancel { .. }
            | Self::Settled { .. }
            | Self::Credit(_)
            | Self::Argument { .. }
            | Self::ArgumentsEnd { .. } => true,
            Self::Session(_)
            | Self::NoSession
            | Self::Accepted { .. }
            | Self::Progress { .. }
            | Self::Part { .. }
            | Self::ArgumentCredit(_)
            | Self::Result { .. } => false,
        }
    }
}

/// A request to run a method.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct CallRequest {
    /// The session that the callee assigned.
    pub(crate) session: u64,
    /// The call.
    pub(crate) number: u64,
    /// The caller waits no more for any call with a lower number than this.
    pub(crate) settled: u64,
    /// What is called.
    pub(crate) invocation: Invocation,
    /// The arguments as JSON text.
    #[serde(deserialize_with = "payload::read_text")]
    pub(crate) arguments: Arc<str>,
    /// How much longer the caller waits.
    pub(crate) remaining: Duration,
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{CallMessage, CallRequest, PartCredit};
    use crate::calls::Invocation;
    use crate::calls::payload::MAX_PAYLOAD_BYTES;
    use crate::{CallError, CallErrorKind, IdempotencyKey, MethodId, ServiceId};

    /// Each message, as large as it can be.
    fn messages() -> Vec<CallMessage> {
        let (session, number) = (u64::MAX, u64::MAX);
        let text = "x".repeat(MAX_PAYLOAD_BYTES);
        let request = CallRequest {
            session,
            number,
            settled: number,
            invocation: Invocation {
                caller: ServiceId::new("c".repeat(100)).unwrap(),
                service: ServiceId::new("s".repeat(100)).unwrap(),
                method: MethodId::new("m".repeat(100)).unwrap(),
                key: Some(IdempotencyKey::new("k".repeat(100)).unwrap()),
                window: number,
                trace: Some(crate::TraceId::random()),
                sends_parts: true,
            },
            arguments: text.as_str().into(),
            remaining: Duration::new(3600, 999_999_999),
        };
        let error = CallError::new(CallErrorKind::BadArguments, &*text).shortened();
        let credit = PartCredit { session, number, received: number, limit: number, is_repeat: true };
        vec![
            CallMessage::Open,
            CallMessage::Request(request),
            CallMessage::Query { session, number },
            CallMessage::Cancel { session, number },
            CallMessage::Settled { session, below: number },
            CallMessage::Credit(credit),
            CallMessage::Argument { session, number, index: number, text: text.as_str().into() },
            CallMessage::ArgumentsEnd { session, number, parts: number },
            CallMessage::ArgumentCredit(credit),
            CallMessage::Session(session),
            CallMessage::NoSession,
            CallMessage::Accepted { numbers: vec![number; 10_000] },
            CallMessage::Progress { session, numbers: vec![number; 10_000] },
            CallMessage::Part { number, index: number, text: text.as_str().into() },
            CallMessage::Result { number, parts: number, result: Ok(text.into()) },
            CallMessage::Result { number, parts: number, result: Err(error.with_may_have_run(false)) },
        ]
    }

    #[test]
    fn every_message_survives_its_encoding_and_fits_into_a_packet() {
        for message in messages() {
            let bytes = rmp_serde::to_vec(&message).unwrap();
            assert!(bytes.len() < 300 * 1024, "{} bytes", bytes.len());
            assert_eq!(rmp_serde::from_slice::<CallMessage>(&bytes).unwrap(), message);
        }
    }
}
