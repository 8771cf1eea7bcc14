use pubsub_api::Envelope;

use crate::LossRecord;

/// The content of one sequence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Payload {
    /// An event.
    Event(Envelope),
    /// A loss record in the place of missing events.
    Lost(LossRecord),
}

impl Payload {
    pub(super) fn as_lost(&self) -> Option<&LossRecord> {
        match self {
            Self::Event(_) => None,
            Self::Lost(lost) => Some(lost),
        }
    }

    pub(super) fn into_event(self) -> Option<Envelope> {
        match self {
            Self::Event(envelope) => Some(envelope),
            Self::Lost(_) => None,
        }
    }
}
