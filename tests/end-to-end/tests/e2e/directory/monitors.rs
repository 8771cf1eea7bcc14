//! Tables that are watched: what somebody writes without publishing it reaches the agents.

use end_to_end::{Service, counter, fixed_port, is_event};
use serde_json::{Value, json};

use super::scene::{Scene, wait_for_action, wait_for_monitors};

fn reported(lines: &[Value]) -> Vec<String> {
    let events = lines.iter().filter(|line| is_event(line) && line["table"] == "chassis");
    let reported = events.map(|event| format!("{} {}", event["action"], event["key"]).replace('"', ""));
    reported.collect()
}

#[test]
fn a_row_that_is_not_published_arrives_by_full_sync_with_its_change_and_its_delete() {
    let scene = Scene::new();
    let service = scene.service("service");
    let agent = scene.live_agent(&service);
    wait_for_monitors(&scene.folder, "service");
    let database = scene.database();
    let key = "host {1}/*\u{1f600}";
    database.write("chassis", key, json!({"id": key, "ip": "192.0.2.1"}));
    let created = wait_for_action(&agent, 0, "create", key);
    assert_eq!(created["value"], json!({"id": key, "ip": "192.0.2.1"}).to_string());
    database.write("chassis", key, json!({"id": key, "ip": "192.0.2.2", "version": 7}));
    assert_eq!(wait_for_action(&agent, 0, "set", key)["version"], 7);
    database.delete("chassis", key);
    assert_eq!(wait_for_action(&agent, 0, "delete", key)["value"], Value::Null);
    assert_eq!(reported(&agent.lines()).len(), 3);
    assert_eq!(counter(&scene.folder.status("service"), "monitors", "events_published"), 3);
}

#[test]
fn a_restart_publishes_nothing_again_and_finds_changes_made_meanwhile() {
    let (scene, port) = (Scene::new(), fixed_port());
    let mut service = Service::ready(scene.launch("service", port).start());
    let agent = scene.live_agent(&service);
    wait_for_monitors(&scene.folder, "service");
    let database = scene.database();
    for key in ["a", "b"] {
        database.write("chassis", key, json!({"id": key}));
        wait_for_action(&agent, 0, "create", key);
    }
    service.terminate();
    database.write("chassis", "c", json!({"id": "c"}));
    database.delete("chassis", "a");
    let _service = Service::ready(scene.launch("service", port).start());
    wait_for_action(&agent, 0, "delete", "a");
    wait_for_monitors(&scene.folder, "service");
    assert_eq!(reported(&agent.lines()), ["create a", "create b", "create c", "delete a"]);
}

#[test]
fn tables_that_are_written_without_end_are_refused_at_the_start() {
    let scene = Scene::new();
    for (table, why) in [("publisher", "publishes its own changes"), ("service", "skimmer service list")] {
        let ended = scene.launch("service", 0).set("monitor_tables", table).run();
        let _ = ended.expect(78).says(&["monitor_tables", why]);
    }
}
