//! An API server that makes the publisher before it forks its workers; each worker publishes with it.
//!
//! `cargo run -p examples --example publish_before_fork -- skimmer.toml`

use fork::{Fork, fork, waitpid};
use publisher_client::BlockingPublisher;
use pubsub_api::{Action, Error, ErrorKind, Event, Registry, Result, SEND_ALL};
use settings::Sources;

fn main() -> Result<()> {
    let file = std::env::args_os().nth(1).map(Into::into);
    let sources = Sources::from_process(file, Vec::new())?;
    let (settings, _warnings) = all_settings::load(&sources, &Registry::collect()?.settings())?;

    // This starts no thread and opens no connection: each worker connects at its first send.
    let publisher = BlockingPublisher::open(&settings)?;
    publisher.initialize()?;

    let failed = |text| move |error| Error::new(ErrorKind::Internal, text).with_source(error);
    let mut workers = Vec::new();
    for number in 1..=3 {
        match fork().map_err(failed("cannot fork a worker"))? {
            Fork::Child => return work(&publisher, number),
            Fork::Parent(worker) => workers.push(worker),
        }
    }
    for worker in workers {
        let status = waitpid(worker).map_err(failed("cannot wait for a worker"))?;
        if status != 0 {
            return Err(Error::new(ErrorKind::Unavailable, format!("worker {worker} failed")));
        }
    }
    Ok(())
}

fn work(publisher: &BlockingPublisher, number: u32) -> Result<()> {
    let key = format!("port-{number}");
    publisher.send(&Event::new("lport", &key, Action::Create, format!(r#"{{"id":"{key}"}}"#), SEND_ALL))?;
    publisher.close()?; // waits until the publisher service has confirmed the event
    println!("published {key}");
    Ok(())
}
