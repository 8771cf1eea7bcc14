//! `skimmer service`: the list of publishers and programs, and the removal of a publisher.

use end_to_end::{Ended, counter, until};
use serde_json::{Value, json};

use super::scene::{Scene, wait_for_action};

fn listed(scene: &Scene) -> Ended {
    scene.command(&["list", "--format", "json"]).expect(0)
}

#[test]
fn without_tables_the_list_is_empty() {
    let scene = Scene::new();
    assert_eq!(scene.command(&["list"]).expect(0).stdout, "no publishers\nno services\n");
    assert_eq!(listed(&scene).stdout, "");
}

#[test]
fn publishers_and_programs_are_listed_with_what_they_are() {
    let scene = Scene::new();
    let service = scene.service("service");
    let database = scene.database();
    database.wait_for_rows("publisher", 1);
    database.wait_for_rows("service", 1);
    let agent =
        json!({"id": "x", "chassis": "\u{1f600}-host", "binary": "df-local-controller", "last_seen_up": 1.0});
    database.write("service", "x", agent);
    database.write("service", "bad", "junk");
    database.write("publisher", "bad", "{}");

    let json = listed(&scene).says(&["skipped invalid row publisher/bad", "skipped invalid row service/bad"]);
    let lines = json.lines();
    let states: Vec<Value> = lines.iter().map(|line| json!([line["kind"], line["state"]])).collect();
    assert_eq!(states, [json!(["publisher", "up"]), json!(["service", "up"]), json!(["service", "down"]),]);
    assert_eq!((&lines[0]["id"], &lines[0]["uri"]), (&"service".into(), &service.network().into()));
    assert_eq!(
        (&lines[1]["binary"], &lines[1]["disabled"]),
        (&"skimmer-publisher-service".into(), &false.into())
    );
    assert!(
        lines[0]["age_seconds"].as_u64().unwrap() < 30
            && lines[2]["age_seconds"].as_u64().unwrap() > 1_000_000
    );
    let table = scene.command(&["list"]).expect(0).stdout;
    for shown in ["publisher", service.network(), "df-local-controller", "down"] {
        assert!(table.contains(shown), "{table}");
    }
}

#[test]
fn a_publisher_that_leaves_is_removed_and_a_running_one_writes_its_row_again() {
    let scene = Scene::new();
    let (service, mut other) = (scene.service("service"), scene.service("other"));
    let agent = scene.live_agent(&service);
    let database = scene.database();
    database.wait_for_rows("publisher", 2);
    other.terminate();
    let _ = scene
        .command(&["leave", "--id", "other"])
        .expect(0)
        .says(&["removed publisher other from the directory"]);
    wait_for_action(&agent, 0, "delete", "other");
    assert_eq!(database.rows("publisher").len(), 1);

    let mark = agent.mark();
    let _ = scene.command(&["leave"]).expect(0).says(&["removed publisher service from the directory"]);
    wait_for_action(&agent, mark, "delete", "service");
    let created = wait_for_action(&agent, mark, "create", "service");
    assert!(created["value"].as_str().unwrap().contains(service.network()), "{created}");
    until("the renewal is counted", || {
        (counter(&scene.folder.status("service"), "directory", "leases_renewed") > 1).then_some(())
    });

    let unknown = scene.command(&["leave", "--id", "nobody"]).expect(1);
    let _ = unknown.says(&["publisher \"nobody\" is not in the directory", "skimmer service list"]);
}

#[test]
fn a_publisher_whose_removal_cannot_be_published_stays_in_the_directory() {
    let scene = Scene::new();
    let mut service = scene.service("service");
    let database = scene.database();
    database.wait_for_rows("publisher", 1);
    service.terminate();
    let _ = scene.command(&["leave", "--timeout", "500ms"]).expect(69).says(&["publisher/service", "undone"]);
    assert_eq!(database.rows("publisher").len(), 1);
}
