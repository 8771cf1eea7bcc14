use std::sync::Arc;

use drivers as _;
use end_to_end::Folder;
use interop::{Receiver, fields};
use pubsub_api::{Action, Batch, Envelope, Event, Publisher, Registry, Request, Requests, Role, SEND_ALL};
use serde_json::Value;
use settings::Sources;

use crate::cases::{Case, cases};
use crate::drivers::Drivers;

/// The reference driver carries no requests.
pub(crate) const CASES: &[Case] = cases![a_dealer_asks_and_is_answered_alone_and_in_order];

const ROWS: usize = 1000;

/// A DEALER that beats: its PINGs come between its requests and the parts of its answers.
const DEALER: &[&str] = &["--type", "DEALER", "--heartbeat", "100", "--dead-after", "2000"];

fn a_dealer_asks_and_is_answered_alone_and_in_order(drivers: Drivers) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let (folder, publisher) = (drivers.folder(), runtime.block_on(publisher(drivers)));
    let endpoint = publisher.endpoint().expect("it is bound");
    let mut dealers = ["one", "other"].map(|name| (name, dealer(&folder, name, &endpoint)));
    for (name, dealer) in &mut dealers {
        for frames in [&[b"$ask", name.as_bytes()][..], &[b"D", b"no request"], &[b"$ask"]] {
            dealer.say_frames(frames);
        }
    }
    let requests = publisher.requests().expect("it carries requests");
    runtime.block_on(async {
        for _ in &dealers {
            answer(requests).await;
        }
    });
    for (name, dealer) in &dealers {
        let came: Vec<Value> = dealer.wait_for_own(ROWS).iter().map(fields).collect();
        let wanted: Vec<Value> = (0..ROWS)
            .map(|row| end_to_end::event("lport", &format!("{name}-{row}"), "set", "v", "D"))
            .collect();
        assert!(came == wanted, "{name}: complete and in order");
        dealer.assert_undisturbed();
    }
    let status = publisher.status();
    for cause in ["not_reserved", "frame_count"] {
        assert_eq!(status.counter("requests_dropped", Some(cause)), 2, "{cause}");
    }
}

fn dealer(folder: &Folder, name: &str, endpoint: &str) -> Receiver {
    Receiver::sub_asked(folder, name, DEALER, endpoint, &[])
}

/// A publisher of this process, as no program of Skimmer answers what only a test asks.
async fn publisher(drivers: Drivers) -> Arc<dyn Publisher> {
    let registry = Registry::collect().expect("the drivers of this build");
    let sets = vec![format!("pub_sub_driver={}", drivers.network()), "publisher_port=0".to_owned()];
    let sources = Sources { sets, ..Sources::default() };
    let (settings, _) = all_settings::load(&sources, &registry.settings()).expect("good settings");
    let publisher = registry.open(&settings, Role::Network).expect("a driver").publisher();
    publisher.initialize().await.expect("a free port");
    publisher
}

/// Answers the next request: with rows whose keys begin with what was asked.
async fn answer(requests: &dyn Requests) {
    let Request { peer, envelope, .. } = requests.next().await.expect("a request");
    assert_eq!(envelope.topic.as_str(), "$ask");
    let name = String::from_utf8_lossy(&envelope.payload);
    let mut batch = Batch::new();
    for row in 0..ROWS {
        let event = Event::new("lport", format!("{name}-{row}"), Action::Set, "v", SEND_ALL);
        batch.push(Envelope::pack(&event).expect("a small event"));
    }
    requests.answer(peer, &mut batch).await.expect("an asker that reads");
}
