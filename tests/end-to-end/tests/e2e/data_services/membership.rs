//! Nodes that come, go, and vanish.

use end_to_end::until;
use redis_servers::RedisServer;
use serde_json::json;

use super::scene::{STORE, Scene};

fn come_and_go(mut scene: Scene) {
    let shop = scene.node("shop", STORE);
    let mut other = scene.node("other", "");
    scene.wait_for_peer("shop", "other", "up");

    // A second node of one name: both instances are named, and the first one stays.
    let second = scene.launch("other", "").set("state_dir", scene.folder.state_dir("second").display()).run();
    // With heartbeats this short it can be refused after it has joined, with the same exit status.
    assert_eq!(second.code(), Some(1), "{:?}", second.status);
    let instance = other.ready["instance"].as_str().unwrap();
    let text = second.says(&["node id other is in use", instance, "(this node) leaves the bus"]).stderr;
    assert!(text.matches("instance ").count() >= 2, "{text}");
    assert!(other.program.is_running());

    // A goodbye, with the last status on stdout.
    other.program.terminate();
    scene.wait_for_peer("shop", "other", "left");
    other.program.wait_for("the last status", |line| {
        line["notice"] == "status" && line["program"] == "data-services-node"
    });

    // A death, and a new start.
    let mut other = scene.node("other", STORE);
    scene.wait_for_peer("shop", "other", "up");
    other.program.kill();
    scene.wait_for_peer("shop", "other", "down");
    until("only the living node is listed with its service", || {
        let services = scene.json(&["services", "--json"]);
        (services.as_array().unwrap().len() == 1 && services[0]["node"] == "shop").then_some(())
    });
    let again = scene.node("other", STORE);
    scene.wait_for_peer("shop", "other", "up");
    until("both are listed", || {
        (scene.json(&["services", "--json"]).as_array().unwrap().len() == 2).then_some(())
    });
    drop((shop, again));
}

#[test]
fn nodes_come_go_and_vanish_on_zmtp() {
    come_and_go(Scene::zmtp());
}

#[test]
fn nodes_come_go_and_vanish_on_redis() {
    let server = RedisServer::start(&[]);
    come_and_go(Scene::redis(&server));
}

#[test]
fn a_subscriber_of_a_node_that_is_killed_sees_its_rows_as_stale_and_then_its_new_rows() {
    let mut scene = Scene::zmtp();
    let observer = scene.node("observer", "");
    let mut shop = scene.node("shop", STORE);
    scene.push(&json!([{"id": 1}]));
    let mut follower = scene.start("follower", &["subscribe", "store", "t"]);
    follower.wait_for("the snapshot", |line| line["rows"] == json!([{"id": 1}]));
    shop.program.kill();
    let mark = follower.mark();
    follower.wait_for("the rows are stale", |line| line["event"] == "stale");
    let _again = scene.node("shop", STORE);
    scene.push(&json!([{"id": 2}]));
    follower.wait_for_since(mark, "the new row", |line| line["added"] == json!([{"id": 2}]));
    follower.wait_for_since(mark, "it is live", |line| line["event"] == "live");
    follower.terminate();
    drop(observer);
}
