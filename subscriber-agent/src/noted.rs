use operations::NoticeJournal;
use pubsub_api::Notice;

use crate::HandlerFailure;

/// Notes a loss, or a publisher whose rows may be outdated, for the status page.
pub(crate) fn note(journal: &NoticeJournal, notice: &Notice) {
    const ANY: &str = "any topic";
    match notice {
        Notice::Gap { topic, events, reason } => {
            journal.note(
                "gap",
                &format!("events lost on {}: {reason}", topic.as_deref().unwrap_or(ANY)),
                *events,
            );
        }
        Notice::Resync { publisher, topic, reason } => {
            let (topic, publisher) =
                (topic.as_deref().unwrap_or(ANY), publisher.as_deref().unwrap_or("any publisher"));
            journal.note("resync", &format!("events on {topic} of {publisher} may be lost: {reason}"), 1);
        }
        Notice::Stale { publisher, reason } => {
            journal.note("stale", &format!("rows from {publisher} may be outdated: {reason}"), 1);
        }
        Notice::LinkDown { publisher, reason } => {
            journal.note("link_down", &format!("the link to {publisher} is lost: {reason}"), 1);
        }
        Notice::DuplicatePublisher { id, publishers } => {
            let publishers = publishers.join(" and ");
            journal.note("duplicate_publisher", &format!("two publishers use the id {id}: {publishers}"), 1);
        }
        Notice::SubscriptionRefused { publisher, subscription, reason } => {
            journal.note("refusal", &format!("{publisher} refuses {subscription}: {reason}"), 1);
        }
        Notice::Refused { publisher, topic, cause, events, .. } => {
            let publisher = publisher.as_deref().unwrap_or("an unknown publisher");
            journal.note(
                "refusal",
                &format!("events on {topic} of {publisher} are not accepted: {cause}"),
                *events,
            );
        }
        _ => {}
    }
}

/// Notes that a handler failed. The rows are left out, so that failures for one reason are one entry.
pub(crate) fn note_failure(journal: &NoticeJournal, failure: &HandlerFailure) {
    let HandlerFailure { handler, reason, .. } = failure;
    journal.note("handler", &format!("the handler of {handler} failed: {reason}"), 1);
}
