//! A minimal API server: it makes the publisher before it would fork its workers, and each worker uses it.
//!
//! `cargo run -p publisher-client --example publish -- skimmer.toml`

use publisher_client::BlockingPublisher;
use pubsub_api::{Action, Event, Registry, Result, SEND_ALL};
use settings::Sources;

fn main() -> Result<()> {
    let file = std::env::args_os().nth(1).map(Into::into);
    let sources = Sources::from_process(file, Vec::new())?;
    let (settings, _warnings) = all_settings::load(&sources, &Registry::collect()?.settings())?;

    let publisher = BlockingPublisher::open(&settings)?;
    publisher.initialize()?;

    let event = Event::new("lport", "port-1", Action::Create, r#"{"id":"port-1"}"#, SEND_ALL);
    publisher.send(&event)?;
    publisher.flush()?;
    publisher.close()
}
