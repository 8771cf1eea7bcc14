//! F42 of docs/guarantees.md: a topic that is wanted, not wanted, and wanted again.

use std::fs;
use std::sync::{Arc, Mutex};

use end_to_end::{Folder, History, Program, Signal, event, until};
use serde_json::Value;

use super::agents::{is_long, launch, patient};
use super::proxy::{Fate, Link, Proxy, Way};
use super::zmtp::Message;

const TOPIC: &str = "tenant-1";

/// The settings that an agent reloads: the same as at its start, with or without the topic.
struct Wish<'a> {
    folder: &'a Folder,
    settings: String,
    agent: &'a Program,
}

impl Wish<'_> {
    fn set(&self, is_wanted: bool) {
        let topics = if is_wanted { format!("[agent]\ntopics = [\"{TOPIC}\"]\n") } else { String::new() };
        let new = self.folder.write("skimmer.toml.new", &(self.settings.clone() + &topics));
        fs::rename(new, self.folder.config()).expect("a file can be renamed");
        self.agent.signal(Signal::HUP);
    }
}

/// The number of subscriptions to the topic that the publisher sees; and to its marks.
type Standing = Arc<Mutex<[i32; 2]>>;

fn count_subscriptions(proxy: &Proxy) -> Standing {
    let standing = Standing::default();
    let counted = Arc::clone(&standing);
    proxy.rule(move |link: Link, way: Way, message: &Message| {
        if let (Link::Events, Way::ToPublisher, Some((is_new, topic))) = (link, way, message.subscription()) {
            let names = [TOPIC.as_bytes(), format!("$mark.{TOPIC}").as_bytes()].map(|name| name == topic);
            let mut standing = counted.lock().expect("nobody panics with it");
            for (count, _) in standing.iter_mut().zip(names).filter(|(_, is_it)| *is_it) {
                *count += if is_new { 1 } else { -1 };
            }
        }
        Fate::Pass
    });
    standing
}

#[test]
fn a_topic_that_is_registered_repeatedly_is_subscribed_once_and_loses_no_event() {
    let rounds = if is_long() { 1000 } else { 30 };
    let folder = patient("");
    let service = folder.service();
    let proxy = Proxy::before(service.address());
    let standing = count_subscriptions(&proxy);
    let settings = fs::read_to_string(folder.config()).expect("it is there");
    let agent = folder.agent_launch("agent", proxy.address()).args(["--stamps"]).start();
    agent.wait_for_notice(0, "live");
    let wish = Wish { folder: &folder, settings, agent: &agent };
    let mut worker = folder.worker("worker");
    for round in 0..rounds {
        for is_wanted in [true, false, true] {
            wish.set(is_wanted);
        }
        let key = round.to_string();
        worker.write_line(&event("t", &key, "set", "v", TOPIC).to_string());
        let is_it = |line: &Value| line["key"] == key;
        agent.wait_for(&format!("the event of round {round}"), is_it);
        assert_eq!(agent.lines().iter().filter(|line| is_it(line)).count(), 1, "round {round}");
        until("one subscription to the topic, and one to its marks", || {
            let standing = *standing.lock().expect("nobody panics with it");
            (standing == [1, 1]).then_some(())
        });
        wish.set(false);
    }
    assert!(!agent.notices().contains(&"link_down".to_owned()), "{:?}", agent.notices());
    let _sound = History::of(&agent.lines()).assert_sound();
}

#[test]
fn subscriptions_changed_while_the_link_is_down_are_in_effect_afterwards() {
    let rounds = if is_long() { 100 } else { 5 };
    let folder = patient("");
    let service = folder.service();
    let proxy = Proxy::before(service.address());
    let settings = fs::read_to_string(folder.config()).expect("it is there");
    let agent = launch(&folder, "agent", proxy.address()).start();
    agent.wait_for_notice(0, "live");
    let wish = Wish { folder: &folder, settings, agent: &agent };
    for round in 0..rounds {
        proxy.cut();
        [false, true].into_iter().for_each(|is_wanted| wish.set(is_wanted));
        let key = round.to_string();
        folder.publish(&[event("t", &key, "set", "v", TOPIC)]);
        let is_it = |line: &Value| line["key"] == key;
        agent.wait_for(&format!("the event of round {round}"), is_it);
        assert_eq!(agent.lines().iter().filter(|line| is_it(line)).count(), 1, "round {round}");
    }
    let _sound = History::of(&agent.lines()).assert_sound();
}
