//! What an agent makes of the database.

use end_to_end::{Folder, Program, Service, event, until};
use serde_json::{Value, json};

use super::database::{Database, file, folder};

/// Regular comparisons come every second.
const OFTEN: &str = "db_sync_time = \"1s\"";

/// Regular comparisons come when the test is long over; what is wanted is done within five seconds.
const SELDOM: &str = "db_sync_time = \"120s\"";

fn agent(folder: &Folder) -> Program {
    // Nobody publishes at port 1.
    folder.agent_launch("agent", "127.0.0.1:1").start()
}

/// A service that leaves the database alone: its row in the directory would be among the events.
fn service(folder: &Folder) -> Service {
    Service::ready(folder.launch("publisher-service", "service").set("use_nb_db", "no").start())
}

/// What an old peer publishes when events are missing.
fn asking(action: &str) -> Value {
    json!({"table": null, "key": null, "action": action, "value": null, "topic": "D"})
}

/// Of each event: what was done, its key, and where the agent has it from.
fn reported(events: &[Value]) -> Vec<[String; 3]> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    events.iter().map(|event| ["action", "key", "origin"].map(|name| text(&event[name]))).collect()
}

fn of_sync(reported: &[(&str, &str)]) -> Vec<[String; 3]> {
    reported.iter().map(|(action, key)| [*action, *key, "sync"].map(str::to_owned)).collect()
}

#[test]
fn an_agent_starts_with_the_rows_of_the_database_and_follows_unpublished_changes() {
    let folder = folder(OFTEN);
    let database = Database::of(&folder);
    database.put("lport", "a", r#"{"id":"a","version":3}"#);
    database.put_on(Some("tenant-1"), "lport", "b", r#"{"id":"b"}"#);
    database.put("unique_key", "lport", "7");
    let agent = agent(&folder);
    let synced = agent.wait_for_notice(0, "synced");
    assert_eq!(
        (&synced["reason"], &synced["rows"], &synced["differences"]),
        (&json!("the agent has started"), &json!(2), &json!(2))
    );
    let events = agent.wait_for_events(2);
    assert_eq!(reported(&events), of_sync(&[("create", "a"), ("create", "b")]));
    assert_eq!((&events[0]["version"], &events[1]["topic"]), (&json!(3), &json!("D")));

    // A worker that dies between the database and its event (docs/guarantees.md#f05).
    database.put("lport", "a", r#"{"id":"a","version":4}"#);
    assert_eq!(reported(&agent.wait_for_events(3)[2..]), of_sync(&[("set", "a")]));
    database.delete("lport", "b");
    assert_eq!(reported(&agent.wait_for_events(4)[3..]), of_sync(&[("delete", "b")]));
    let mark = agent.mark();
    agent.wait_for_since(mark, "a regular comparison that finds nothing", |line| {
        line["notice"] == "synced" && line["reason"] == "db_sync_time" && line["differences"] == 0
    });
}

#[test]
fn an_agent_reports_in_the_database_that_it_is_alive() {
    let folder = folder("report_interval = \"1s\"\nservice_down_time = \"3s\"");
    let listed = |state: &str| {
        let ended = folder.skimmer(&["service", "list", "--format", "json"]).run().expect(0);
        let is_it = |line: &Value| line["binary"] == "skimmer-subscriber-agent" && line["state"] == state;
        ended.lines().iter().any(is_it).then_some(())
    };
    let mut agent = agent(&folder);
    until("the agent is up", || listed("up"));
    agent.kill();
    until("the agent is down", || listed("down"));
}

#[test]
fn sync_and_dbrestart_from_old_peers_start_a_full_sync() {
    for action in ["sync", "dbrestart"] {
        let folder = folder(SELDOM);
        let database = Database::of(&folder);
        let service = service(&folder);
        let agent = folder.subscribed_agent("agent", &service);
        agent.wait_for_notice(0, "synced");
        database.put("lport", "a", r#"{"id":"a"}"#);
        let mark = agent.mark();
        folder.publish(&[asking(action)]);
        let synced = agent.wait_for_notice(mark, "synced");
        assert_eq!(synced["differences"], 1, "{action}");
        assert_ne!(synced["reason"], "db_sync_time", "{action}");
    }
}

#[test]
fn rows_that_arrived_as_events_are_no_difference() {
    let folder = folder(SELDOM);
    let service = service(&folder);
    let agent = folder.subscribed_agent("agent", &service);
    agent.wait_for_notice(0, "synced");
    let ended = folder.skimmer(&["db", "add", "lport", r#"{"id":"p","name":"x"}"#]).run();
    let _ = ended.expect(0);
    let created = agent.wait_for("the event", |line| line["key"] == "p");
    assert_eq!(created["origin"], Value::Null);
    let mark = agent.mark();
    folder.publish(&[asking("sync")]);
    let synced = agent.wait_for_notice(mark, "synced");
    assert_eq!((&synced["rows"], &synced["differences"]), (&json!(1), &json!(0)));
}

#[test]
fn rows_of_topics_that_are_not_subscribed_are_not_touched() {
    let folder = folder(&format!("{OFTEN}\nenable_selective_topology_distribution = true"));
    let database = Database::of(&folder);
    database.put_on(Some("tenant-1"), "lport", "a", r#"{"id":"a"}"#);
    database.put_on(Some("tenant-2"), "lport", "b", r#"{"id":"b"}"#);
    database.put("lport", "c", r#"{"id":"c"}"#);
    let agent = folder.agent_launch("agent", "127.0.0.1:1").args(["--topic", "tenant-1"]).start();
    agent.wait_for_notice(0, "synced");
    let events = agent.wait_for_events(2);
    assert_eq!(reported(&events), of_sync(&[("create", "a"), ("create", "c")]));
    assert_eq!((&events[0]["topic"], &events[1]["topic"]), (&json!("tenant-1"), &json!("D")));

    // A topic that is subscribed to later brings its rows.
    let settings = std::fs::read_to_string(folder.config()).unwrap();
    folder.write("skimmer.toml", &format!("{settings}\n[agent]\ntopics = [\"tenant-2\"]\n"));
    agent.signal(end_to_end::Signal::HUP);
    assert_eq!(reported(&agent.wait_for_events(3)[2..]), of_sync(&[("create", "b")]));
}

#[test]
fn a_restarted_agent_receives_only_the_changes_made_meanwhile() {
    let folder = folder(OFTEN);
    let database = Database::of(&folder);
    for key in ["kept", "gone"] {
        database.put("lport", key, &json!({"id": key}).to_string());
    }
    let mut first = agent(&folder);
    first.wait_for_events(2);
    first.terminate();
    database.delete("lport", "gone");
    database.put("lport", "new", r#"{"id":"new"}"#);
    let second = agent(&folder);
    let synced = second.wait_for_notice(0, "synced");
    assert_eq!((&synced["differences"], &synced["unconfirmed"]), (&json!(1), &json!(1)));
    assert_eq!(reported(&second.wait_for_events(2)), of_sync(&[("create", "new"), ("delete", "gone")]));
}

#[test]
fn an_agent_runs_without_its_database_and_compares_when_it_comes() {
    let folder = folder(OFTEN);
    folder.write("northbound.sqlite", "this is no database, and long enough to be seen as such");
    let service = service(&folder);
    let agent = folder.subscribed_agent("agent", &service);
    let failed = agent.wait_for_notice(0, "sync_failed");
    assert!(failed["reason"].as_str().unwrap_or_default().contains("northbound.sqlite"), "{failed}");
    let wanted = event("lport", "port-1", "create", "{}", "D");
    folder.publish(std::slice::from_ref(&wanted));
    assert_eq!(agent.wait_for_events(1), [wanted]);

    std::fs::remove_file(file(&folder)).unwrap();
    let database = Database::of(&folder);
    database.put("lport", "port-1", "{}");
    let synced = agent.wait_for_notice(0, "synced");
    assert_eq!((&synced["rows"], &synced["differences"]), (&json!(1), &json!(0)));
}

#[test]
fn unreadable_rows_are_logged_counted_and_not_compared() {
    let folder = folder(OFTEN);
    let database = Database::of(&folder);
    let service = service(&folder);
    let agent = folder.subscribed_agent("agent", &service);
    agent.wait_for_notice(0, "synced");
    folder.publish(&[event("lport", "bad", "create", "from an event", "D")]);
    agent.wait_for_events(1);
    database.put("lport", "bad", "no object");
    database.put("lport", "good", r#"{"id":"good"}"#);
    assert_eq!(reported(&agent.wait_for_events(2)[1..]), of_sync(&[("create", "good")]));
    // The notice that follows is still that of the same reading; the next one is of a later reading.
    let mut next = agent.mark();
    let mut synced = || {
        let notice = agent.wait_for_notice(next, "synced");
        next = agent.mark();
        notice
    };
    let _ = synced();
    assert_eq!(synced()["differences"], 0, "the row of the event stays");
    assert!(agent.stderr().contains("lport/bad"), "{}", agent.stderr());
    let status = folder.status("agent");
    assert!(end_to_end::counter(&status, "database", "sync_rows_left_out") > 0, "{status}");
}
