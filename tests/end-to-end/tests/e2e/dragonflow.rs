//! The scenarios of Dragonflow's own full-stack test, `test_pub_sub.py` (docs/dragonflow.md#tests).

use end_to_end::{Folder, Program, Service, Signal, event, fixed_port, until};
use serde_json::{Value, json};

fn publish_and_wait(folder: &Folder, agent: &Program, events: &[Value]) {
    let before = agent.events().len();
    folder.publish(events);
    let came = agent.wait_for_events(before + events.len()).split_off(before);
    assert_eq!(came, events, "exactly these");
}

/// 1 add_port, 2 update_port: the count grows by exactly what each step publishes; 6: all fields are equal.
#[test]
fn each_change_of_a_port_produces_exactly_its_events() {
    let folder = Folder::new();
    let service = folder.service();
    let agent = folder.agent_launch("agent", service.address()).args(["--topic", "tenant-1"]).start();
    agent.wait_for_notice(0, "subscribed");
    let port = |action: &str, name: &str| {
        let value = json!({ "id": "port-1", "name": name, "version": 1 }).to_string();
        event(
            "lport",
            "port-1",
            action,
            if action == "delete" { Value::Null } else { value.into() },
            "tenant-1",
        )
    };
    publish_and_wait(&folder, &agent, &[event("lswitch", "net-1", "create", "{}", "tenant-1")]);
    publish_and_wait(&folder, &agent, &[port("create", "new")]);
    let renames: Vec<Value> = (0..100).map(|n| port("set", &format!("name-{n}"))).collect();
    publish_and_wait(&folder, &agent, &renames);
    publish_and_wait(&folder, &agent, &[port("delete", "")]);
    publish_and_wait(&folder, &agent, &[event("lswitch", "net-1", "delete", Value::Null, "tenant-1")]);
    publish_and_wait(&folder, &agent, &[event("lport", "for all", "create", "{}", "D")]);
}

/// 3 event_number_different_port, 8: a publisher of its own sends `log`, once and a hundred times.
#[test]
fn a_publisher_without_service_gives_one_event_for_one_and_a_hundred_for_a_hundred() {
    let port = fixed_port();
    let folder = Folder::with_settings("pub_sub_use_multiproc = false");
    let agent = folder.agent_launch("agent", &format!("127.0.0.1:{port}")).start();
    let mut publisher = folder.worker_launch("publisher").set("publisher_port", port).start();
    agent.wait_for_notice(0, "subscribed");
    let log = |n: usize| event("log", &n.to_string(), "log", "a word", "D");
    publisher.write_line(&log(0).to_string());
    assert_eq!(agent.wait_for_events(1), [log(0)]);
    (1..=100).for_each(|n| publisher.write_line(&log(n).to_string()));
    assert_eq!(agent.wait_for_events(101), (0..=100).map(log).collect::<Vec<_>>());
    publisher.close_stdin();
    assert_eq!(publisher.wait_for_end().code(), Some(0), "{}", publisher.stderr());
}

/// 4 add_topic, 5 register_addr: topics and publishers come and go while the agent runs.
#[test]
fn late_topics_and_late_publishers_count_from_when_they_are_registered() {
    let (folder, elsewhere) = (Folder::new(), Folder::new());
    let (one, two) = (folder.service(), elsewhere.service());
    let write = |publishers: &[&Service], topics: &[&str]| {
        let publishers: Vec<&str> = publishers.iter().map(|service| service.address()).collect();
        let text = format!("[pubsub]\npublishers_ips = {publishers:?}\n[agent]\ntopics = {topics:?}\n");
        folder.write("agent.toml", &text)
    };
    let config = write(&[&one], &[]);
    let launch =
        end_to_end::Launch::new("subscriber-agent", "agent", folder.path()).args(["--config".into(), config]);
    let agent = launch.set("state_dir", folder.state_dir("agent.state").display()).start();
    agent.wait_for_notice(0, "subscribed");
    let count = |key: &str| agent.events().iter().filter(|event| event["key"] == key).count();
    // What comes on D after an event proves that the event did not come.
    let fence = |folder: &Folder, key: &str, topic: &str, fence: &str| {
        folder.publish(&[event("t", key, "log", "v", topic), event("t", fence, "log", "v", "D")]);
        agent.wait_for("the fence", |line| line["key"] == fence);
    };
    fence(&folder, "too early", "topic", "fence-1");
    assert_eq!(count("too early"), 0);

    write(&[&one, &two], &["topic"]);
    agent.signal(Signal::HUP);
    until("an event on the late topic", || {
        folder.publish(&[event("t", "late topic", "log", "v", "topic")]);
        (count("late topic") > 0).then_some(())
    });
    agent.wait_for("the late publisher", |line| {
        line["publisher"] == two.network() && line["notice"] == "subscribed"
    });
    fence(&elsewhere, "second publisher", "topic", "fence-2");
    assert_eq!(count("second publisher"), 1);
    fence(&folder, "other topic", "Other-topic", "fence-3");
    fence(&folder, "longer topic", "topic-2", "fence-4");
    assert_eq!((count("other topic"), count("longer topic")), (0, 0), "topics match exactly");

    write(&[&one], &[]);
    agent.signal(Signal::HUP);
    until("the reload", || {
        (folder.status("agent")["parts"]["network"]["peers"].as_array().map(Vec::len) == Some(1))
            .then_some(())
    });
    fence(&folder, "unregistered", "topic", "fence-5");
    elsewhere.publish(&[event("t", "gone publisher", "log", "v", "D")]);
    fence(&folder, "unregistered", "topic", "fence-6");
    assert_eq!((count("unregistered"), count("gone publisher")), (0, 0));
}
