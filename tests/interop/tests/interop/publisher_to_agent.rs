use std::time::Duration;

use end_to_end::{Program, Signal, change_log, event, fixed_port, is_event, until};
use interop::{Sender, prove};
use serde_json::Value;

use crate::cases::{Case, cases};
use crate::drivers::Drivers;
use crate::installation::events_of;

pub(crate) const CASES: &[Case] = cases![
    the_whole_change_log_of_a_foreign_publisher_comes_complete_and_in_order,
    a_publisher_that_never_sends_a_hello_is_not_declared_dead,
    skimmer_sub_reads_a_foreign_publisher,
    one_log_event_is_one_and_a_hundred_are_a_hundred,
    a_second_publisher_is_taken_while_the_agent_runs,
    an_agent_finds_a_foreign_publisher_that_comes_back,
];

fn the_whole_change_log_of_a_foreign_publisher_comes_complete_and_in_order(drivers: Drivers) {
    let folder = drivers.folder();
    let mut publisher = Sender::publisher(&folder, "pub");
    let agent = folder.agent_launch("agent", publisher.address()).args(["--pattern", "#"]).start();
    prove(&mut publisher, "D", &agent);
    let log = change_log();
    // PUB drops what exceeds libzmq's 1,000 events for a peer that does not keep up: wait for each part of a burst.
    let mut sent = 0;
    for part in log.chunks(500) {
        part.iter().for_each(|event| publisher.send(event));
        sent += part.len();
        events_of(&agent, sent);
    }
    assert!(events_of(&agent, log.len()) == log, "complete, in order and unchanged");
}

fn a_publisher_that_never_sends_a_hello_is_not_declared_dead(drivers: Drivers) {
    const DEAD_AFTER: Duration = Duration::from_secs(2);
    let folder = drivers.folder_with(r#"dead_after = "2s""#);
    let mut publisher = Sender::publisher(&folder, "pub");
    let agent = folder.agent_launch("agent", publisher.address()).start();
    prove(&mut publisher, "D", &agent);
    for round in 0..2 {
        publisher.send(&event("lport", &format!("round-{round}"), "set", "v", "D"));
        events_of(&agent, round + 1);
        #[expect(clippy::disallowed_methods, reason = "this silence, twice `dead_after`, is what is tested")]
        std::thread::sleep(2 * DEAD_AFTER);
    }
    publisher.send(&event("lport", "last", "set", "v", "D"));
    events_of(&agent, 3);
    assert_eq!(agent.notices(), ["ready", "link_up"], "{}", agent.stderr());
}

fn skimmer_sub_reads_a_foreign_publisher(drivers: Drivers) {
    let folder = drivers.folder();
    let mut publisher = Sender::publisher(&folder, "pub");
    let addresses = format!("publishers_ips={}", publisher.address());
    let sub = ["sub", "--topic", "D", "--topic", "tenant-1", "--timeout", "30s", "--set", &addresses];
    let mut sub = folder.skimmer(&sub).start();
    prove(&mut publisher, "D", &sub);
    prove(&mut publisher, "tenant-1", &sub);
    let events = [
        event("lport", "one", "create", r#"{"id": "one"}"#, "tenant-1"),
        event("lport", "two", "delete", Value::Null, "D"),
    ];
    events.iter().for_each(|event| publisher.send(event));
    assert_eq!(events_of(&sub, 2), events);
    sub.signal(Signal::INT);
    assert!(sub.wait_for_end().success(), "{}", sub.stderr());
}

fn one_log_event_is_one_and_a_hundred_are_a_hundred(drivers: Drivers) {
    let folder = drivers.folder();
    let mut publisher = Sender::publisher(&folder, "pub");
    let agent = folder.agent_launch("agent", publisher.address()).start();
    prove(&mut publisher, "D", &agent);
    let log = |n: usize| event("info", "log", "log", format!("message {n}"), "D");
    publisher.send(&log(0));
    assert_eq!(events_of(&agent, 1), [log(0)]);
    (1..=100).for_each(|n| publisher.send(&log(n)));
    let wanted: Vec<Value> = (0..=100).map(log).collect();
    assert_eq!(events_of(&agent, 101), wanted);
}

fn a_second_publisher_is_taken_while_the_agent_runs(drivers: Drivers) {
    let folder = drivers.folder();
    let mut one = Sender::publisher(&folder, "one");
    let mut two = Sender::publisher(&folder, "two");
    let ask_for = |addresses: &[&str]| {
        let settings = std::fs::read_to_string(folder.config()).expect("there are settings");
        let kept = settings.lines().filter(|line| !line.starts_with("publishers_ips"));
        let kept: String = kept.map(|line| format!("{line}\n")).collect();
        folder.write("skimmer.toml", &format!("{kept}publishers_ips = {addresses:?}\n"));
    };
    ask_for(&[one.address()]);
    let agent = folder.launch("subscriber-agent", "agent").start();
    prove(&mut one, "D", &agent);
    one.send(&event("lport", "one", "set", "v", "D"));
    events_of(&agent, 1);

    ask_for(&[one.address(), two.address()]);
    agent.signal(Signal::HUP);
    prove(&mut two, "D", &agent);
    two.send(&event("lport", "two", "set", "v", "D"));
    assert_eq!(keys(&agent, 2), ["one", "two"]);
    one.send(&event("lport", "three", "set", "v", "D"));
    assert_eq!(keys(&agent, 3), ["one", "two", "three"]);
    assert!(!agent.notices().contains(&"link_down".to_owned()), "{}", agent.stderr());
}

fn keys(agent: &Program, count: usize) -> Vec<Value> {
    events_of(agent, count).iter().map(|event| event["key"].clone()).collect()
}

fn an_agent_finds_a_foreign_publisher_that_comes_back(drivers: Drivers) {
    let folder = drivers.folder();
    let address = format!("127.0.0.1:{}", fixed_port());
    let mut publisher = Sender::publisher_at(&folder, "pub", &address);
    let agent = folder.agent_launch("agent", &address).start();
    prove(&mut publisher, "D", &agent);
    let mark = agent.mark();
    publisher.kill();
    agent.wait_for_notice(mark, "link_down");
    let mut publisher = Sender::publisher_at(&folder, "pub", &address);
    prove(&mut publisher, "D", &agent);
    publisher.send(&event("lport", "again", "set", "v", "D"));
    until("the event after the return", || {
        agent.lines().iter().skip(mark).any(|line| is_event(line) && line["key"] == "again").then_some(())
    });
}
