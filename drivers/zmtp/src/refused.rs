//! The report of the publisher to a subscriber of ours that it refuses one of its subscriptions.
//!
//! It is an event on topic `$hello` with action `refused` (docs/design.md#wire-format): its key is the text of the subscription, its
//! value the reason. It is written before any later event, so before the hello that confirms the other subscriptions.

use pubsub_api::wire::EventRef;
use pubsub_api::{Action, Envelope, Event, HELLO, Notice, Value, hello};

const ACTION: &str = "refused";

/// The payload that reports a refused subscription; empty if its text is too long, which no subscription is.
pub(crate) fn refused_event(subscription: &str, reason: &str) -> Vec<u8> {
    let action = Action::Other(ACTION.to_owned());
    let event = Event::new(hello::HELLO_TABLE, subscription, action, Value::Text(reason.to_owned()), HELLO);
    Envelope::pack(&event).map(|envelope| envelope.payload.to_vec()).unwrap_or_default()
}

/// The notice of a payload of topic `$hello` from this publisher; `None` if it reports something else.
pub(crate) fn read_refused(publisher: &str, payload: &[u8]) -> Option<Notice> {
    let topic = HELLO;
    let event = EventRef::read(topic.as_bytes(), payload).ok().filter(|event| event.action == ACTION)?;
    let (subscription, event) = (event.key?.to_owned(), event.to_event());
    let Value::Text(reason) = event.value else { return None };
    Some(Notice::SubscriptionRefused { publisher: publisher.to_owned(), subscription, reason })
}

#[cfg(test)]
mod tests {
    use pubsub_api::wire::encode;
    use pubsub_api::{Notice, hello};

    use super::{read_refused, refused_event};
    use crate::lost::{lost_event, read_lost};

    #[test]
    fn a_refusal_reads_back_and_other_messages_are_none() {
        let payload = refused_event("a.*", "no right");
        let (publisher, subscription, reason) =
            ("tcp://p".to_owned(), "a.*".to_owned(), "no right".to_owned());
        let notice = Notice::SubscriptionRefused { publisher, subscription, reason };
        assert_eq!(read_refused("tcp://p", &payload), Some(notice));
        assert_eq!(read_lost(&payload), None);
        for other in [encode(&hello::event("publisher", None)).unwrap().to_vec(), lost_event(7), Vec::new()] {
            assert_eq!(read_refused("tcp://p", &other), None);
        }
    }
}
