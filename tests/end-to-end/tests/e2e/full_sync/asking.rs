//! Agents that cannot reach the database ask a publisher that can.

use end_to_end::{Folder, Program, Service};
use serde_json::{Value, json};

use super::database::{Database, folder};

/// An agent whose own database would be another file, which is not there.
fn asking_agent(folder: &Folder, service: &Service, more: &[(&str, &str)]) -> Program {
    let launch = folder.agent_launch("agent", service.address()).set("agent.sync_from", "publishers");
    let launch = launch.set("drivers.sqlite.path", folder.path().join("nowhere/none.sqlite").display());
    more.iter().fold(launch, |launch, (name, value)| launch.set(name, value)).start()
}

/// What was done to a row of `lport`, as the agent found out.
fn wait_for(agent: &Program, action: &str, key: &str) -> Value {
    agent.wait_for(&format!("{action} of {key}"), |line| {
        line["table"] == "lport" && line["action"] == action && line["key"] == key && line["origin"] == "sync"
    })
}

#[test]
fn an_agent_without_database_access_equals_the_database_of_its_publisher() {
    let folder = folder("db_sync_time = \"1s\"");
    let database = Database::of(&folder);
    database.put("lport", "a", r#"{"id":"a","version":3}"#);
    database.put_on(Some("tenant-1"), "lport", "{*?}", r#"{"id":"{*?}"}"#);
    database.put("lport", "bad", "no object");
    let service = folder.service();
    let agent = asking_agent(&folder, &service, &[]);
    assert_eq!(wait_for(&agent, "create", "a")["version"], 3);
    wait_for(&agent, "create", "{*?}");
    let synced = agent.wait_for_notice(0, "synced");
    assert_eq!((&synced["rows"], &synced["differences"]), (&json!(2), &json!(2)));

    database.put("lport", "a", r#"{"id":"a","version":4}"#);
    database.delete("lport", "{*?}");
    wait_for(&agent, "set", "a");
    wait_for(&agent, "delete", "{*?}");
}

#[test]
fn more_rows_than_one_chunk_come_whole() {
    const ROWS: usize = 5000;
    let folder = folder("db_sync_time = \"1s\"");
    let database = Database::of(&folder);
    let rows = (0..ROWS).map(|row| {
        let key = format!("port-{row}");
        let value = json!({"id": key, "value": "v".repeat(200)}).to_string();
        (key, value)
    });
    database.put_all("lport", rows);
    let service = folder.service();
    let agent = asking_agent(&folder, &service, &[]);
    let synced = agent.wait_for_notice(0, "synced");
    assert_eq!((&synced["rows"], &synced["differences"]), (&json!(ROWS), &json!(ROWS)));
    let mark = agent.mark();
    assert_eq!(agent.wait_for_notice(mark, "synced")["differences"], 0);
}

#[test]
fn for_topics_that_are_not_subscribed_only_row_names_are_sent() {
    let folder = folder("db_sync_time = \"1s\"\nenable_selective_topology_distribution = true");
    let database = Database::of(&folder);
    database.put_on(Some("tenant-1"), "lport", "a", r#"{"id":"a"}"#);
    database.put_on(Some("tenant-2"), "lport", "b", r#"{"id":"b"}"#);
    database.put("lport", "c", r#"{"id":"c"}"#);
    let service = folder.service();
    let agent = asking_agent(&folder, &service, &[("agent.topics", "tenant-1")]);
    let synced = agent.wait_for_notice(0, "synced");
    assert_eq!(synced["rows"], 2);
    assert_eq!(wait_for(&agent, "create", "a")["topic"], "tenant-1");
    wait_for(&agent, "create", "c");
}

#[test]
fn a_publisher_that_does_not_use_the_database_reports_it() {
    let folder = folder("db_sync_time = \"1s\"");
    let service =
        Service::ready(folder.launch("publisher-service", "service").set("use_nb_db", "no").start());
    let agent = asking_agent(&folder, &service, &[]);
    let why =
        |line: &Value| line["reason"].as_str().unwrap_or_default().contains("does not use the database");
    agent.wait_for("the reason", |line| line["notice"] == "sync_failed" && why(line));
}

#[test]
fn a_driver_without_requests_is_refused_at_the_start() {
    let folder = folder("");
    let launch = folder.agent_launch("agent", "127.0.0.1:1").set("agent.sync_from", "publishers");
    let ended = launch.set("pub_sub_driver", "zmq_pubsub_driver").run().expect(78);
    assert!(ended.stderr.contains("agent.sync_from"), "{}", ended.stderr);
}
