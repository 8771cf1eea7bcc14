use std::collections::BTreeMap;

use end_to_end::{Folder, Program, Service, event};
use interop::{Receiver, Sender, fields, frames, map, prove, unstamped};
use libtest_mimic::Trial;
use serde_json::Value;

use crate::drivers::Drivers;
use crate::installation::{dropped, events_of};

/// What speaks ZMTP at one end of a hop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Engine {
    Ours(Drivers),
    /// By pyzmq.
    Libzmq,
}

const ENGINES: [Engine; 3] = [Engine::Ours(Drivers::Zmtp), Engine::Ours(Drivers::Zeromq), Engine::Libzmq];

impl Engine {
    const fn name(self) -> &'static str {
        match self {
            Self::Ours(drivers) => drivers.name(),
            Self::Libzmq => "libzmq",
        }
    }
}

/// A hop with one engine at each end.
type Hop = fn(Engine, Engine);

const HOPS: [(&str, Hop); 2] = [("push_to_pull", push_to_pull), ("pub_to_sub", pub_to_sub)];

/// Every sender with every receiver on both hops, but for libzmq with itself.
pub(crate) fn trials() -> impl Iterator<Item = Trial> {
    let pairs = ENGINES.into_iter().flat_map(|sender| ENGINES.map(|receiver| (sender, receiver)));
    let pairs = pairs.filter(|pair| *pair != (Engine::Libzmq, Engine::Libzmq));
    pairs.flat_map(|(sender, receiver)| {
        HOPS.map(|(hop, run)| {
            Trial::test(format!("matrix::{hop}::{}_to_{}", sender.name(), receiver.name()), move || {
                run(sender, receiver);
                Ok(())
            })
        })
    })
}

const MIB: usize = 1024 * 1024;

/// On both sides of every length at which ZMTP writes a frame differently, and the largest map that is an event.
const FRAME_BYTES: [usize; 4] = [255, 256, 65_536, MIB];

const VALUE_BYTES: [usize; 5] = [0, 1, 255, 256, 65_536];

/// Events with values of each size, and events whose map is exactly of each size.
fn events() -> Vec<Value> {
    let of_value = |bytes: usize| event("lport", &format!("value-{bytes}"), "set", "x".repeat(bytes), "D");
    let mut events: Vec<Value> = VALUE_BYTES.into_iter().map(of_value).collect();
    events.extend(FRAME_BYTES.into_iter().map(of_frame));
    // The longest topic: a frame of 255 bytes, which prefixes of `D` let through.
    events.push(event("lport", "topic", "set", "v", &"D".repeat(255)));
    events
}

/// An event whose packed map has this number of bytes.
fn of_frame(bytes: usize) -> Value {
    let key = format!("frame-{bytes}");
    let others = map(&key, &[]).len();
    let texts_head = if bytes - others - 3 > 0xffff { 5 } else { 3 };
    event("lport", &key, "set", "x".repeat(bytes - others - texts_head), "D")
}

/// Frames around those that are no event, each with the cause that is counted.
fn no_events() -> Vec<(Vec<Vec<u8>>, &'static str)> {
    let good = || map("wrong", b"\xa1v");
    vec![
        (vec![b"D".to_vec(), Vec::new()], "truncated"),
        (vec![b"D".to_vec(), vec![0x80]], "missing_field"),
        (vec![Vec::new(), good()], "bad_topic"),
        (vec![vec![b'D'; 256], good()], "bad_topic"),
    ]
}

/// Sends everything by libzmq, with what is no event between.
fn send_all(sender: &mut Sender, events: &[Value], with_no_events: bool) {
    let mut wrong = if with_no_events { no_events() } else { Vec::new() }.into_iter();
    for event in events {
        if let Some((frames, _)) = wrong.next() {
            sender.send_frames(&frames);
        }
        sender.send(event);
    }
}

#[track_caller]
fn assert_dropped(folder: &Folder, name: &str, sender: Engine) {
    let mut wanted = BTreeMap::new();
    if sender == Engine::Libzmq {
        no_events().into_iter().for_each(|(_, cause)| *wanted.entry(cause.to_owned()).or_default() += 1);
    }
    assert_eq!(dropped(folder, name), wanted);
}

/// Sizes and keys first: a failure that shows a mebibyte shows nothing.
#[track_caller]
fn assert_same(came: &[Value], wanted: &[Value]) {
    let brief = |events: &[Value]| -> Vec<(Value, usize)> {
        let length = |event: &Value| event["value"].as_str().map_or(0, str::len);
        events.iter().map(|event| (event["key"].clone(), length(event))).collect()
    };
    assert_eq!(brief(came), brief(wanted), "complete and in order");
    assert!(came == wanted, "unchanged");
}

/// A libzmq peer sees the frames themselves, with a stamp if they come from a service; `read` takes that away.
#[track_caller]
fn assert_frames(receiver: &Receiver, wanted: &[Value], read: fn(&Value) -> Vec<Vec<u8>>) {
    let came = receiver.wait_for_own(wanted.len());
    assert_same(&came.iter().map(fields).collect::<Vec<_>>(), wanted);
    let maps: Vec<usize> = came
        .iter()
        .filter(|line| line["key"].as_str().is_some_and(|key| key.starts_with("frame-")))
        .map(|line| read(line)[1].len())
        .collect();
    assert_eq!(maps, FRAME_BYTES);
    receiver.assert_undisturbed();
}

fn push_to_pull(sender: Engine, receiver: Engine) {
    let (folder, events) = (Drivers::Zmtp.folder(), events());
    match receiver {
        Engine::Libzmq => {
            let pull = Receiver::pull(&folder, "pull");
            let _worker = push(&folder, sender, &events);
            assert_frames(&pull, &events, frames);
        }
        Engine::Ours(drivers) => {
            let launch = folder.launch("publisher-service", "service");
            let service = Service::ready(launch.set("pub_sub_multiproc_driver", drivers.multiproc()).start());
            let agent = folder.subscribed_agent("agent", &service);
            let _worker = push(&folder, sender, &events);
            assert_same(&events_of(&agent, events.len()), &events);
            assert_dropped(&folder, "service", sender);
        }
    }
}

/// A worker that is kept alive until everything is read.
#[expect(dead_code, reason = "it is only held")]
enum Worker {
    Ours(Program),
    Foreign(Sender),
}

/// The worker, which has everything to send and stays.
fn push(folder: &Folder, sender: Engine, events: &[Value]) -> Worker {
    match sender {
        Engine::Libzmq => {
            let mut worker = Sender::push(folder, "push");
            send_all(&mut worker, events, true);
            Worker::Foreign(worker)
        }
        Engine::Ours(drivers) => {
            let launch = folder.worker_launch("worker");
            let mut worker = launch.set("pub_sub_multiproc_driver", drivers.multiproc()).start();
            events.iter().for_each(|event| worker.write_line(&event.to_string()));
            Worker::Ours(worker)
        }
    }
}

fn pub_to_sub(sender: Engine, receiver: Engine) {
    let folder = Drivers::Zmtp.folder();
    let (_service, mut feed, endpoint) = publisher(&folder, sender);
    let (events, address) = (events(), endpoint.trim_start_matches("tcp://"));
    match receiver {
        Engine::Libzmq => {
            let node = Receiver::sub(&folder, "sub", &endpoint, &["D"]);
            prove(&mut feed, "D", &node);
            send_all(&mut feed, &events, false);
            assert_frames(&node, &events, unstamped);
        }
        Engine::Ours(drivers) => {
            let launch = folder.agent_launch("agent", address).args(["--pattern", "#"]);
            let agent = launch.set("pub_sub_driver", drivers.network()).start();
            prove(&mut feed, "D", &agent);
            send_all(&mut feed, &events, sender == Engine::Libzmq);
            assert_same(&events_of(&agent, events.len()), &events);
            assert_dropped(&folder, "agent", sender);
            assert!(!agent.notices().contains(&"link_down".to_owned()), "{}", agent.stderr());
        }
    }
}

/// A publisher, the program that makes it publish (a foreign one itself, ours through a worker), and its address.
fn publisher(folder: &Folder, sender: Engine) -> (Option<Service>, Sender, String) {
    match sender {
        Engine::Libzmq => {
            let publisher = Sender::publisher(folder, "pub");
            let endpoint = publisher.address().to_owned();
            (None, publisher, format!("tcp://{endpoint}"))
        }
        Engine::Ours(drivers) => {
            let launch = folder.launch("publisher-service", "service");
            let service = Service::ready(launch.set("pub_sub_driver", drivers.network()).start());
            let endpoint = service.network().to_owned();
            (Some(service), Sender::push(folder, "push"), endpoint)
        }
    }
}
