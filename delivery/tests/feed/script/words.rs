use delivery::subscriber::{DeliveryMode, Item};
use pubsub_api::{HELLO, Notice};

/// What the application receives, in words.
pub(super) fn words(item: &Item) -> String {
    match item {
        Item::Event { envelope, .. } if envelope.topic == HELLO => "hello".to_owned(),
        Item::Event { envelope, mode } => {
            let topic = envelope.topic.as_bytes();
            let event = pubsub_api::wire::EventRef::read(topic, &envelope.payload).unwrap().to_event();
            let pubsub_api::Value::Text(value) = event.value else { panic!("{event:?}") };
            match mode {
                DeliveryMode::Live => value,
                DeliveryMode::Unverified => format!("{value} unverified"),
                other => format!("{value} {}", other.name().unwrap()),
            }
        }
        Item::Snapshot(snapshot) => {
            let kind = if snapshot.is_complete || snapshot.epochs.is_empty() { "" } else { "incomplete " };
            format!("{kind}snapshot of {}", snapshot.rows.len())
        }
        Item::Clock(clock) => format!("clock {}", clock.time_us),
        Item::Notice(notice) => match notice {
            Notice::Subscribed { publisher, .. } => format!("subscribed {publisher}"),
            Notice::LinkDown { publisher, .. } => format!("down {publisher}"),
            Notice::Stale { publisher, .. } => format!("stale {publisher}"),
            Notice::Live { publisher, topic } => format!("live {}", topic.as_ref().unwrap_or(publisher)),
            Notice::Recovering { topic, .. } => format!("recovering {topic}"),
            Notice::Gap { events, .. } => format!("gap of {events}"),
            Notice::Resync { topic, .. } => format!("resync {}", topic.as_deref().unwrap_or("all")),
            Notice::SubscriptionRefused { subscription, .. } => format!("refused {subscription}"),
            Notice::AddressAdded { publisher } => format!("added {publisher}"),
            Notice::AddressRemoved { publisher } => format!("removed {publisher}"),
            Notice::DuplicatePublisher { publishers, .. } => format!("duplicate {}", publishers.join(" ")),
            other => format!("{other:?}"),
        },
    }
}
