use std::collections::BTreeMap;

use end_to_end::{Folder, Program, Service, counters, until};
use interop::{Receiver, Sender, prove};
use serde_json::Value;

use crate::drivers::Drivers;

/// A service with a pyzmq worker and a pyzmq node on everything, all links proved.
pub(crate) struct Installation {
    pub(crate) folder: Folder,
    pub(crate) service: Service,
    pub(crate) worker: Sender,
    pub(crate) node: Receiver,
}

impl Installation {
    #[track_caller]
    pub(crate) fn new(drivers: Drivers) -> Self {
        let folder = drivers.folder();
        let service = folder.service();
        let mut worker = Sender::push(&folder, "push");
        let node = Receiver::sub(&folder, "sub", service.network(), &[""]);
        prove(&mut worker, "D", &node);
        Self { folder, service, worker, node }
    }
}

/// How many events were dropped, by cause, in all parts of a program together.
pub(crate) fn dropped(folder: &Folder, name: &str) -> BTreeMap<String, u64> {
    let status = folder.status(name);
    let mut sums = BTreeMap::new();
    for part in status["parts"].as_object().expect("a status has parts").keys() {
        for counter in ["events_dropped", "frames_dropped", "events_refused", "peers_refused"] {
            for (cause, count) in counters(&status, part, counter) {
                // A look whether someone listens ends before its handshake, and is nothing wrong.
                if cause != "handshake" && count > 0 {
                    *sums.entry(cause).or_default() += count;
                }
            }
        }
    }
    sums
}

/// The agent's events without probes, once there are `count`.
#[track_caller]
pub(crate) fn events_of(agent: &Program, count: usize) -> Vec<Value> {
    let own = || agent.events().into_iter().filter(|event| event["table"] != "probe").collect::<Vec<_>>();
    until(&format!("{count} events at the agent"), || {
        let events = own();
        (events.len() >= count).then_some(events)
    })
}
