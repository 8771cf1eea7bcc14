//! Agents whose keys have rights by topic, as processes: what they receive live, by replay and by snapshot, before and after their
//! rights change.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test ends where an expectation fails")]

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use end_to_end::{Folder, History, Launch, Program, Service, counters, event, is_event, notice, until};
use serde_json::Value;

/// A service with CURVE, and the keys of its agents.
struct Fleet {
    folder: Folder,
    service: Service,
    publisher_key: String,
}

impl Fleet {
    /// With these lines of agents, each a name and its rights.
    fn new(agents: &[&str]) -> Self {
        let folder = Folder::with_settings("[drivers.zmtp]\nmechanism = \"curve\"");
        let publisher_key = new_key(&folder, "publisher");
        for agent in agents {
            new_key(&folder, agent.split(' ').next().unwrap());
        }
        authorize(&folder, agents);
        let service = folder.launch("publisher-service", "service");
        let service =
            service.set("drivers.zmtp.publisher_key_file", key_file(&folder, "publisher").display());
        let file = folder.path().join("agents");
        let service =
            Service::ready(service.set("drivers.zmtp.authorized_agents_file", file.display()).start());
        Self { folder, service, publisher_key }
    }

    /// An agent that subscribes to everything that is tested, with the key of `key`, and with its state in `name`.
    fn agent(&self, name: &str, key: &str) -> Program {
        self.launch(name, key).args(["--topic", "a", "--topic", "b"]).start()
    }

    fn launch(&self, name: &str, key: &str) -> Launch {
        let agent = self.folder.agent_launch(name, self.service.address()).args(["--stamps"]);
        let agent = agent.set("agent.save_interval", "100ms");
        let agent = agent.set("drivers.zmtp.agent_key_file", key_file(&self.folder, key).display());
        agent.set("drivers.zmtp.publisher_keys", &self.publisher_key)
    }

    fn refused(&self, cause: &str) -> u64 {
        let all = counters(&self.folder.status("service"), "network", "peers_refused");
        all.iter().filter(|(name, _)| name == cause).map(|(_, count)| count).sum()
    }
}

fn key_file(folder: &Folder, name: &str) -> PathBuf {
    folder.path().join(format!("{name}.key"))
}

/// Makes a key, and returns the public one.
fn new_key(folder: &Folder, name: &str) -> String {
    let made = Launch::new("skimmer", "keys", folder.path()).args(["keys", "new", name, "--folder"]);
    let ended = made.args([folder.path()]).run().expect(0);
    let line = ended.stdout.split_once(' ').unwrap().1.trim().to_owned();
    fs::write(folder.path().join(format!("{name}.public")), &line).unwrap();
    line
}

fn authorize(folder: &Folder, agents: &[&str]) {
    let line = |agent: &&str| {
        let (name, rights) = agent.split_once(' ').unwrap_or((agent, ""));
        let key = fs::read_to_string(folder.path().join(format!("{name}.public"))).unwrap();
        format!("{name} {key} {rights}\n")
    };
    folder.write("agents.next", &agents.iter().map(line).collect::<String>());
    fs::rename(folder.path().join("agents.next"), folder.path().join("agents")).unwrap();
}

/// An event on a topic, whose value is its number.
fn row(topic: &str, n: u64) -> Value {
    event("t", &format!("{topic}-{n}"), "set", n.to_string(), topic)
}

fn rows(topic: &str, numbers: std::ops::Range<u64>) -> Vec<Value> {
    numbers.map(|n| row(topic, n)).collect()
}

/// The numbers of the events of a topic, in the order of their arrival.
fn numbers(agent: &Program, topic: &str) -> Vec<u64> {
    let of_topic = agent.events().into_iter().filter(|event| event["topic"] == topic);
    of_topic.map(|event| event["value"].as_str().unwrap().parse().unwrap()).collect()
}

fn refused_subscriptions(agent: &Program) -> Vec<String> {
    let lines = agent.lines();
    let refused = lines.iter().filter(|line| notice(line) == Some("subscription_refused"));
    refused.map(|line| line["subscription"].as_str().unwrap().to_owned()).collect()
}

/// Publishes numbered events on both topics until it is stopped.
struct Load {
    published: Arc<AtomicU64>,
    stops: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl Load {
    #[expect(clippy::disallowed_methods, reason = "the pause sets the rate of the load")]
    fn start(folder: &Folder) -> Self {
        let (published, stops) = (Arc::<AtomicU64>::default(), Arc::<AtomicBool>::default());
        let mut worker = folder.worker("worker");
        let (count, is_stopped) = (Arc::clone(&published), Arc::clone(&stops));
        let thread = std::thread::spawn(move || {
            while !is_stopped.load(Ordering::Relaxed) {
                // Counted before it is written: a later event has a higher number.
                let number = count.fetch_add(1, Ordering::SeqCst);
                for topic in ["a", "b"] {
                    worker.write_line(&row(topic, number).to_string());
                }
                std::thread::sleep(Duration::from_millis(1));
            }
            worker.close_stdin();
            assert!(worker.wait_for_end().success(), "{}", worker.stderr());
        });
        Self { published, stops, thread }
    }

    /// The events that are published from now on have at least this number.
    fn next(&self) -> u64 {
        self.published.load(Ordering::SeqCst)
    }

    fn wait_for(&self, number: u64) {
        until("the load", || (self.next() >= number).then_some(()));
    }

    /// Stops it, and returns the number of events of each topic.
    fn stop(self) -> u64 {
        self.stops.store(true, Ordering::Relaxed);
        self.thread.join().unwrap();
        self.published.load(Ordering::SeqCst)
    }
}

/// The last event of a topic has arrived.
fn wait_for_number(agent: &Program, topic: &str, number: u64) {
    let value = Value::from(number.to_string());
    agent.wait_for(&format!("event {number} of {topic}"), |line| {
        is_event(line) && line["topic"] == topic && line["value"] == value
    });
}

#[test]
fn agents_receive_the_topics_of_their_keys_live_by_replay_and_by_snapshot() {
    let fleet = Fleet::new(&["limited topic=a", "all"]);
    let (mut limited, all) = (fleet.agent("limited", "limited"), fleet.agent("all", "all"));
    for agent in [&limited, &all] {
        agent.wait_for_notice(0, "live");
    }
    let lines = limited.lines();
    let place = |name| lines.iter().position(|line| notice(line) == Some(name));
    assert!(place("subscription_refused") < place("subscribed"), "{lines:?}");
    let mut refused = refused_subscriptions(&limited);
    refused.sort();
    assert_eq!(refused, ["D", "b"], "every agent subscribes to D, and this key has no right to it");
    fleet.folder.publish(&[rows("b", 0..20), rows("a", 0..20)].concat());
    wait_for_number(&limited, "a", 19);
    wait_for_number(&all, "a", 19);
    limited.terminate();
    fleet.folder.publish(&[rows("b", 20..40), rows("a", 20..40)].concat());
    let replayed = fleet.agent("limited", "limited");
    wait_for_number(&replayed, "a", 39);
    let new = fleet.agent("new", "limited");
    wait_for_number(&new, "a", 39);
    for agent in [&limited, &replayed, &new] {
        assert!(numbers(agent, "b").is_empty(), "{:?}", agent.lines());
    }
    assert_eq!(numbers(&replayed, "a"), (20..40).collect::<Vec<_>>());
    wait_for_number(&all, "a", 39);
    assert_eq!(numbers(&all, "b"), (0..40).collect::<Vec<_>>());
    let listed = Launch::new("skimmer", "keys", fleet.folder.path()).args(["keys", "list", "--json"]);
    let listed = listed.args([fleet.folder.path().join("agents")]).run().expect(0).json();
    assert_eq!((&listed[1]["name"], &listed[1]["topics"][0]), (&Value::from("limited"), &Value::from("a")));
}

#[test]
fn after_a_key_is_removed_reduced_or_expired_under_load_nothing_that_is_published_later_reaches_it() {
    let names = ["removed", "reduced", "expired"];
    let fleet = Fleet::new(&["removed", "reduced", "expired", "stays"]);
    let [removed, reduced, expired, stays] =
        ["removed", "reduced", "expired", "stays"].map(|name| fleet.agent(name, name));
    for agent in [&removed, &reduced, &expired, &stays] {
        agent.wait_for_notice(0, "live");
    }
    let load = Load::start(&fleet.folder);
    load.wait_for(300);
    authorize(&fleet.folder, &["reduced topic=a", "expired expires=2026-01-01T00:00:00Z", "stays"]);
    let causes = ["curve_key_removed", "curve_rights_changed", "curve_key_expired"];
    until("the end of three connections", || {
        causes.iter().all(|cause| fleet.refused(cause) >= 1).then_some(())
    });
    let took_effect = load.next();
    // They come back, ask for what they missed, and begin anew.
    load.wait_for(took_effect + 300);
    let again = names.map(|name| fleet.agent(&format!("{name}-again"), name));
    load.wait_for(took_effect + 1500);
    let count = load.stop();
    wait_for_number(&stays, "b", count - 1);
    wait_for_number(&reduced, "a", count - 1);
    wait_for_number(&again[1], "a", count - 1);
    let later =
        |agent: &Program, topic| numbers(agent, topic).into_iter().find(|number| *number > took_effect);
    for (topic, agents) in [("b", [&removed, &reduced, &expired]), ("a", [&removed, &expired, &expired])] {
        for agent in agents {
            assert_eq!(later(agent, topic), None, "topic {topic} after event {took_effect}");
        }
    }
    for agent in [&again[0], &again[2]] {
        assert!(agent.events().is_empty(), "{:?}", agent.lines());
    }
    assert!(numbers(&again[1], "b").is_empty(), "neither by replay nor by snapshot");
    let _ = History::of(&stays.lines()).assert_without_holes();
    let all: Vec<u64> = (0..count).collect();
    assert_eq!((numbers(&stays, "a"), numbers(&stays, "b")), (all.clone(), all.clone()));
    assert_eq!(numbers(&reduced, "a"), all, "of the topic that it keeps it missed nothing");
    assert!(refused_subscriptions(&reduced).contains(&"b".to_owned()));
    // The right to a topic is given back.
    authorize(&fleet.folder, &["reduced topic=a topic=b", "stays"]);
    until("another connection", || (fleet.refused("curve_rights_changed") >= 3).then_some(()));
    fleet.folder.publish(&rows("b", count..count + 1));
    wait_for_number(&reduced, "b", count);
    let _ = History::of(&reduced.lines()).assert_sound();
}
