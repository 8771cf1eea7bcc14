use pubsub_api::Notice;

/// Logs losses at WARN, with topic, number and cause: for operators who watch the log and not the output.
pub(crate) fn log(notice: &Notice) {
    const ANY: &str = "any topic";
    match notice {
        Notice::Gap { topic, events, reason } => {
            let topic = topic.as_deref().unwrap_or(ANY);
            tracing::warn!(topic, events, "gap: {events} events on {topic} are lost: {reason}");
        }
        Notice::Resync { publisher, topic, reason } => {
            let (topic, publisher) =
                (topic.as_deref().unwrap_or(ANY), publisher.as_deref().unwrap_or("any publisher"));
            tracing::warn!(
                topic,
                publisher,
                "resync: events on {topic} of {publisher} may be lost, their number is unknown: {reason}"
            );
        }
        Notice::DuplicatePublisher { id, publishers } => {
            let publishers = publishers.join(" and ");
            tracing::warn!(
                "two publishers have the id {id}: {publishers}; set another publisher_id for one of them"
            );
        }
        Notice::Stale { publisher, reason } => {
            tracing::warn!(publisher, "stale: what came from {publisher} may be outdated: {reason}");
        }
        _ => {}
    }
}
