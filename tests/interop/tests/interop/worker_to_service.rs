use std::collections::BTreeMap;
use std::thread;

use end_to_end::{Folder, change_log, event, shards};
use interop::{Receiver, Sender, fields};
use publisher_client::BlockingPublisher;
use pubsub_api::Registry;
use serde_json::Value;
use service_kit::json;
use settings::Sources;

use crate::cases::{Case, cases};
use crate::drivers::Drivers;
use crate::installation::{Installation, dropped, events_of};

pub(crate) const CASES: &[Case] = cases![
    several_foreign_workers_feed_the_service_at_once_each_in_order,
    what_our_workers_send_is_what_a_foreign_service_reads,
    a_foreign_worker_that_was_there_first_is_served_when_the_service_comes,
];

fn several_foreign_workers_feed_the_service_at_once_each_in_order(drivers: Drivers) {
    let Installation { folder, service, worker: _, node } = Installation::new(drivers);
    let agent = folder.subscribed_agent("agent", &service);
    // What was published on D before it came is given to it first, and events of other topics do not wait for that.
    if drivers.sees_subscribers() {
        agent.wait_for_notice(0, "live");
    }
    let log = change_log();
    let parts = shards(&log, 4);
    thread::scope(|scope| {
        for (number, part) in parts.iter().enumerate() {
            let folder = &folder;
            scope.spawn(move || {
                let mut worker = Sender::push(folder, &format!("push{number}"));
                part.iter().for_each(|event| worker.send(event));
                worker.finish();
            });
        }
    });
    let at_node: Vec<Value> = node.wait_for_own(log.len()).iter().map(fields).collect();
    let at_agent = events_of(&agent, log.len());
    for (name, came) in [("node", at_node), ("agent", at_agent)] {
        assert_eq!(came.len(), log.len(), "{name}");
        for (worker, (came, sent)) in shards(&came, 4).iter().zip(&parts).enumerate() {
            assert!(came == sent, "{name}: worker {worker} is complete and in order");
        }
    }
    node.assert_undisturbed();
    assert_eq!(dropped(&folder, "service"), BTreeMap::new());
}

fn what_our_workers_send_is_what_a_foreign_service_reads(drivers: Drivers) {
    let folder = drivers.folder();
    let service = Receiver::pull(&folder, "pull");
    let log = change_log();
    // The worker stays until all is read: a libzmq PULL whose queue is full (1,000 events) drops what the socket still holds
    // when its peer leaves, whatever the peer is.
    let mut worker = folder.worker("worker");
    log.iter().for_each(|event| worker.write_line(&event.to_string()));
    let came = service.wait_for_own(log.len());
    assert!(came.iter().map(fields).eq(log.iter().cloned()), "skimmer pub: complete and in order");
    worker.close_stdin();
    assert!(worker.wait_for_end().success(), "{}", worker.stderr());

    let odd = event("lport", "ключ", "ovs_sync_started", "größer 🦀", "projekt-ü");
    publish_by_client(&folder, &odd);
    let came = service.wait_for_own(log.len() + 1);
    assert_eq!(came.last().map(fields), Some(odd), "the library's publisher");
    service.assert_undisturbed();
}

/// As an API server does: through the library that it links.
fn publish_by_client(folder: &Folder, event: &Value) {
    let registry = Registry::collect().expect("the drivers are there");
    let sources = Sources { files: vec![folder.config()], ..Sources::default() };
    let (settings, _) = all_settings::load(&sources, &registry.settings()).expect("the settings are good");
    let publisher = BlockingPublisher::open(&settings).expect("the settings suit the driver");
    publisher.initialize().expect("nothing is left to do");
    publisher.send(&json::from_line(&event.to_string()).expect("an event")).expect("accepted");
    publisher.close().expect("handed over");
}

fn a_foreign_worker_that_was_there_first_is_served_when_the_service_comes(drivers: Drivers) {
    let folder = drivers.folder();
    let mut worker = Sender::push(&folder, "push");
    let events: Vec<Value> = (0..500).map(|n| event("lport", &format!("k{n}"), "set", "v", "D")).collect();
    events.iter().for_each(|event| worker.send(event));
    assert!(!folder.socket().exists(), "no service has been there yet");
    let _service = folder.service();
    worker.finish();
    end_to_end::until("every event at the service", || {
        let published = end_to_end::counter(&folder.status("service"), "service", "events_published");
        (published == 500).then_some(())
    });
}
