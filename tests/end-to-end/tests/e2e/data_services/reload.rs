//! SIGHUP reads the services file again.

use end_to_end::{Signal, until};
use serde_json::{Value, json};

use super::scene::{STORE, Scene};

fn names(services: &Value) -> Vec<&str> {
    services.as_array().unwrap().iter().map(|one| one["service"].as_str().unwrap()).collect()
}

#[test]
fn a_reload_stops_starts_and_keeps_services_and_their_subscribers() {
    let mut scene = Scene::zmtp();
    let shop = scene.node(
        "shop",
        &format!(
            "{STORE}\n[[service]]\nid = \"old\"\nkind = \"pushed\"\noptions = {{ tables = {{ x = [] }} }}\n"
        ),
    );
    scene.push(&json!([{"id": 1}]));
    let mut follower = scene.start("follower", &["subscribe", "store", "t"]);
    follower.wait_for("the snapshot", |line| line["event"] == "snapshot");
    let mark = follower.mark();
    scene.write_services(
        "shop",
        &format!(
            "{STORE}\n[[service]]\nid = \"new\"\nkind = \"pushed\"\noptions = {{ tables = {{ x = [] }} }}\n"
        ),
    );
    shop.program.signal(Signal::HUP);
    until("the services of the new file run", || {
        (names(&scene.json(&["services", "--json"])) == ["new", "store"]).then_some(())
    });
    scene.push(&json!([{"id": 1}, {"id": 2}]));
    follower.wait_for_since(mark, "the change", |line| line["added"] == json!([{"id": 2}]));
    let events: Vec<Value> =
        follower.lines().split_off(mark).iter().map(|line| line["event"].clone()).collect();
    assert!(!events.contains(&json!("snapshot")) && !events.contains(&json!("gone")), "{events:?}");
    assert_eq!(scene.folder.status("shop")["last_reload"], "applied");
    follower.terminate();
}

#[test]
fn an_invalid_file_changes_nothing_and_an_invalid_service_concerns_itself_only() {
    let mut scene = Scene::zmtp();
    let shop = scene.node("shop", STORE);
    scene.write_services("shop", "[[service]]\nid = \"store\"\n");
    shop.program.signal(Signal::HUP);
    let reloaded = |says: &str| {
        until("the outcome of the reload", || {
            let outcome = scene.folder.status("shop")["last_reload"].as_str()?.to_owned();
            outcome.contains(says).then_some(outcome)
        })
    };
    let outcome = reloaded("missing field `kind`");
    assert!(outcome.starts_with("refused: "), "{outcome}");
    assert_eq!(names(&scene.json(&["services", "--json"])), ["store"]);
    let more = "\n[[service]]\nid = \"bad\"\nkind = \"fldr\"\n\n[[service]]\nid = \"good\"\nkind = \"pushed\"\noptions = { tables = {} }\n";
    scene.write_services("shop", &format!("{STORE}{more}"));
    shop.program.signal(Signal::HUP);
    reloaded("applied, except: there is no kind of services \"fldr\"");
    assert_eq!(names(&scene.json(&["services", "--json"])), ["good", "store"]);
}
