//! Prints the events of topic `D` and the notices between them, in the order of delivery.
//!
//! `cargo run -p examples --example subscribe -- skimmer.toml`

use delivery::subscriber::Item;
use pubsub_api::wire::EventRef;
use pubsub_api::{Envelope, Registry, Result, SEND_ALL};
use settings::Sources;
use subscriber_agent::{listen_to_publishers, tracked_subscriber};

#[tokio::main]
async fn main() -> Result<()> {
    let file = std::env::args_os().nth(1).map(Into::into);
    let registry = Registry::collect()?;
    let sources = Sources::from_process(file, Vec::new())?;
    let (settings, _warnings) = all_settings::load(&sources, &registry.settings())?;

    let subscriber = tracked_subscriber(&registry, &settings)?;
    listen_to_publishers(&subscriber, &registry, &settings)?;
    subscriber.register_topic(SEND_ALL.into())?;
    subscriber.initialize().await?;
    loop {
        match subscriber.recv().await? {
            Item::Event { envelope, .. } => print(&envelope),
            Item::Snapshot(snapshot) => snapshot.rows.iter().for_each(print),
            Item::Notice(notice) => println!("notice: {notice:?}"),
            Item::Clock(_) => {}
        }
    }
}

fn print(envelope: &Envelope) {
    // The subscriber has checked the event: one that cannot be read is counted and dropped.
    let Ok(event) = EventRef::read(envelope.topic.as_bytes(), &envelope.payload) else { return };
    let (table, key) = (event.table.unwrap_or("-"), event.key.unwrap_or("-"));
    println!("event: {} {table} {key} on {}", event.action, envelope.topic);
}
