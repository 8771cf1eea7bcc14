//! `skimmer sub` and `skimmer swarm`: what scripts rely on.

use end_to_end::{Folder, Launch, event, fixed_port};
use serde_json::Value;

#[test]
fn sub_counts_filters_and_reports_missing_events() {
    let folder = Folder::new();
    let service = folder.service();
    let sub = |name: &str, arguments: &[&str]| {
        let launch = Launch::new("skimmer", name, folder.path()).args(["sub", "--config"]);
        let launch = launch.args([folder.config()]).args(arguments).set("publishers_ips", service.address());
        let sub = launch.start();
        end_to_end::until("its subscription", || {
            sub.stderr().contains(r#""notice":"subscribed""#).then_some(())
        });
        sub
    };
    let mut all = sub("all", &["--count", "6", "--timeout", "60s"]);
    let mut topic = sub("topic", &["--topic", "tenant-1", "--count", "1", "--timeout", "60s"]);
    let mut words = sub("words", &["--pattern", "port.*.up", "--count", "1", "--timeout", "60s"]);
    let mut prefix = sub("prefix", &["--pattern", "tenant-*", "--count", "2", "--timeout", "60s"]);
    let mut table = sub("table", &["--topic", "D", "--count", "1", "--timeout", "60s", "--output", "table"]);
    let mut short = sub("short", &["--topic", "D", "--count", "2", "--timeout", "5s"]);
    let mut patient = sub("patient", &["--topic", "nothing", "--timeout", "5s"]);
    let topics = ["tenant-1", "tenant-2", "port.7.up", "port.7.8.up", "tenant-", "D"];
    let events: Vec<Value> = topics.iter().map(|topic| event("t", topic, "set", "v", topic)).collect();
    // `tenant-` matches the prefix too, and comes last of the three.
    folder.publish(&events);
    for (sub, wanted) in [
        (&mut all, &topics[..]),
        (&mut topic, &["tenant-1"]),
        (&mut words, &["port.7.up"]),
        (&mut prefix, &["tenant-1", "tenant-2"]),
    ] {
        assert_eq!(sub.wait_for_end().code(), Some(0), "{}", sub.stderr());
        let came: Vec<Value> = sub.lines().iter().map(|line| line["topic"].clone()).collect();
        assert_eq!(came, wanted);
    }
    assert_eq!(table.wait_for_end().code(), Some(0));
    assert!(table.lines()[0].as_str().is_some_and(|line| line.starts_with("topic ")), "{:?}", table.lines());
    assert!(table.lines()[1].as_str().is_some_and(|line| line.starts_with("D ")), "{:?}", table.lines());
    assert_eq!(short.wait_for_end().code(), Some(69));
    assert!(short.stderr().contains("1 events are missing (--count)"), "{}", short.stderr());
    assert_eq!(patient.wait_for_end().code(), Some(0), "without --count the time is just over");
}

#[test]
fn sub_and_swarm_that_reach_no_publisher_are_unavailable() {
    let folder = Folder::new();
    let nobody = format!("127.0.0.1:{}", fixed_port());
    let run = |arguments: &[&str]| folder.skimmer(arguments).set("publishers_ips", &nobody).run();
    let _ = run(&["sub", "--timeout", "2s"]).expect(69).says(&["no publisher was reached"]);
    let swarm = run(&["swarm", "--agents", "2", "--timeout", "2s"]).expect(69);
    let _ = swarm.says(&["no subscriber was live"]);
}
