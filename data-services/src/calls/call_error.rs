use std::fmt;

use pubsub_api::{Error, ErrorKind};
use serde::{Deserialize, Serialize};

use crate::{CallErrorKind, TraceId};

/// The maximum length of the text of an error on the wire, in bytes: the rest is cut off.
const MAX_ERROR_BYTES: usize = 4 * 1024;

/// The error of a call: a kind for the program to act on, a sentence for the user, and whether the method may have run.
///
/// A method returns one to fail with a kind of its choice; every other error of a method becomes
/// [`CallErrorKind::Remote`].
///
/// ```
/// use data_services::{CallError, CallErrorKind};
/// use pubsub_api::{Error, ErrorKind};
///
/// let error = CallError::new(CallErrorKind::Overloaded, "64 migrations run already");
/// assert!(!error.may_have_run());
/// assert_eq!(error.to_string(), "64 migrations run already");
/// assert_eq!(Error::from(error).kind(), ErrorKind::Overloaded);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallError {
    kind: CallErrorKind,
    text: String,
    may_have_run: bool,
    /// The caller knows it; it does not travel.
    #[serde(skip)]
    trace: Option<TraceId>,
}

impl CallError {
    /// Creates an error whose `text` is one sentence: what was expected, what was found, what to do. On the wire it has at
    /// most 4 KiB.
    pub fn new(kind: CallErrorKind, text: impl Into<String>) -> Self {
        Self { kind, text: text.into(), may_have_run: kind.may_have_run(), trace: None }
    }

    /// Returns the kind.
    #[must_use]
    pub fn kind(&self) -> CallErrorKind {
        self.kind
    }

    /// Returns whether the method may have run. If not, the call can be repeated anywhere without a check.
    #[must_use]
    pub fn may_have_run(&self) -> bool {
        self.may_have_run
    }

    /// Returns the trace that the call belonged to, if it had one: the text ends with it.
    #[must_use]
    pub fn trace(&self) -> Option<TraceId> {
        self.trace
    }

    /// The error of a call of this trace.
    pub(crate) fn traced(self, trace: Option<TraceId>) -> Self {
        Self { trace, ..self }
    }

    /// The error of a call of which this is certain: it has not run, or it has begun to.
    pub(crate) fn with_may_have_run(mut self, may_have_run: bool) -> Self {
        self.may_have_run = may_have_run;
        self
    }

    /// Cuts the text to the length that travels.
    pub(crate) fn shortened(mut self) -> Self {
        if self.text.len() > MAX_ERROR_BYTES {
            let end = (0..=MAX_ERROR_BYTES).rev().find(|end| self.text.is_char_boundary(*end));
            self.text.truncate(end.unwrap_or(0));
        }
        self
    }
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.trace {
            None => f.write_str(&self.text),
            Some(trace) => write!(f, "{} (trace {trace})", self.text),
        }
    }
}

impl std::error::Error for CallError {}

/// The kind that corresponds; [`ErrorKind::InDoubt`] instead of [`ErrorKind::Unavailable`] if the method may have run.
impl From<CallError> for Error {
    fn from(error: CallError) -> Self {
        let kind = match ErrorKind::from(error.kind) {
            ErrorKind::Unavailable if error.may_have_run => ErrorKind::InDoubt,
            kind => kind,
        };
        Self::new(kind, error.to_string())
    }
}

/// The error of a method that returned this one.
impl From<Error> for CallError {
    fn from(error: Error) -> Self {
        Self::new(error.kind().into(), error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use pubsub_api::{Error, ErrorKind};

    use super::{CallError, MAX_ERROR_BYTES};
    use crate::CallErrorKind;

    #[test]
    fn a_kind_travels_by_its_name_and_an_unknown_name_is_remote() {
        for kind in CallErrorKind::ALL {
            let json = serde_json::to_string(&kind).unwrap();
            assert_eq!(json, format!("\"{kind}\""));
            assert_eq!(serde_json::from_str::<CallErrorKind>(&json).unwrap(), kind);
        }
        assert_eq!(CallErrorKind::from("of_the_future".to_owned()), CallErrorKind::Remote);
    }

    #[test]
    fn a_call_that_may_have_run_is_in_doubt_and_one_that_was_not_sent_is_unavailable() {
        for kind in [CallErrorKind::Timeout, CallErrorKind::PeerLost] {
            let error = CallError::new(kind, "no answer");
            assert_eq!(Error::from(error.clone()).kind(), ErrorKind::InDoubt);
            assert_eq!(Error::from(error.with_may_have_run(false)).kind(), ErrorKind::Unavailable);
        }
        let draining = CallError::new(CallErrorKind::Draining, "stops");
        assert_eq!(Error::from(draining).kind(), ErrorKind::Unavailable);
    }

    #[test]
    fn an_error_of_a_method_keeps_its_meaning_or_is_remote() {
        for (returned, kind) in [
            (ErrorKind::Invalid, CallErrorKind::BadArguments),
            (ErrorKind::Overloaded, CallErrorKind::Overloaded),
            (ErrorKind::Closed, CallErrorKind::Draining),
            (ErrorKind::NotFound, CallErrorKind::Remote),
            (ErrorKind::Internal, CallErrorKind::Remote),
        ] {
            let error = CallError::from(Error::new(returned, "text"));
            assert_eq!((error.kind(), error.to_string().as_str()), (kind, "text"), "{returned:?}");
        }
    }

    #[test]
    fn a_long_text_is_cut_between_characters() {
        let error = CallError::new(CallErrorKind::Remote, format!("x{}", "ä".repeat(MAX_ERROR_BYTES)));
        assert_eq!(error.shortened().to_string().len(), MAX_ERROR_BYTES - 1);
    }
}
