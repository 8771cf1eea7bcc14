//! Each command's output and exit status.

use end_to_end::until;
use redis_servers::RedisServer;
use serde_json::{Value, json};

use super::scene::{STORE, Scene};

/// A bus with the node `shop`, which runs the service `store`, and the empty node `other`.
fn shop(mut scene: Scene) {
    let nodes = [scene.node("shop", STORE), scene.node("other", "")];
    assert_eq!((&nodes[0].ready["node"], &nodes[0].ready["bus"]), (&json!("shop"), &json!("bus")));
    lists(&scene);
    logs(&scene);
    calls(&scene);
    subscriptions(&scene);
    status(&scene);
    for mut node in nodes {
        node.program.terminate();
    }
}

#[test]
fn every_command_works_on_zmtp() {
    shop(Scene::zmtp());
}

#[test]
fn every_command_works_on_redis() {
    let server = RedisServer::start(&[]);
    shop(Scene::redis(&server));
}

fn lists(scene: &Scene) {
    let nodes = scene.json(&["nodes", "--json"]);
    let seen: Vec<Value> =
        nodes.as_array().unwrap().iter().map(|one| json!([one["node"], one["state"]])).collect();
    assert_eq!(seen, [json!(["other", "up"]), json!(["shop", "up"])]);
    let services = scene.json(&["services", "--json"]);
    assert_eq!(
        services,
        json!([{
            "service": "store", "node": "shop", "state": "running", "standby": false, "addresses": ["shop.all"],
            "tables": ["t", "u"], "methods": ["change", "load", "push", "status"]
        }])
    );
    let hidden = scene.json(&["services", "--json", "--all"]);
    let names: Vec<&str> =
        hidden.as_array().unwrap().iter().map(|one| one["service"].as_str().unwrap()).collect();
    assert_eq!(names, ["_cage", "_cage", "_node", "_node", "store"]);
    let tables = scene.json(&["tables", "--json"]);
    assert_eq!(
        tables,
        json!([
            {"service": "store", "table": "t", "node": "shop", "key": ["id"]},
            {"service": "store", "table": "u", "node": "shop", "key": null},
        ])
    );
    for (command, cells) in [
        ("nodes", &["shop", "other", "up"][..]),
        ("services", &["store", "shop.all", "push"]),
        ("tables", &["store", "the whole row", "id"]),
    ] {
        let text = scene.command(&[command]).run().expect(0).stdout;
        assert!(cells.iter().all(|cell| text.contains(cell)), "{command}: {text}");
    }
}

/// A short command logs what concerns its user only.
fn logs(scene: &Scene) {
    let quiet = scene.command(&["nodes"]).run().expect(0);
    assert_eq!(quiet.stderr, "");
    let _ = scene.command(&["nodes", "--log-level", "debug"]).run().expect(0).says(&["DEBUG"]);
}

fn calls(scene: &Scene) {
    scene.push(&json!([{"id": 1}]));
    let status = scene.json(&["call", "store", "status", "--json"]);
    assert_eq!((&status["initialized"], &status["number_of_updates"]), (&json!(true), &json!(1)));
    let every = scene.json(&["call", "shop.all", "status", "--every", "--json"]);
    assert_eq!((&every[0]["node"], &every[0]["result"]["initialized"]), (&json!("shop"), &json!(true)));
    let arguments = r#"{"table":"t","rows":[{"id":1},{"id":2}]}"#;
    let pushed =
        scene.command(&["call", "store", "push", "-", "--node", "shop"]).run_with(arguments).expect(0);
    assert!(pushed.json().is_number(), "{}", pushed.stdout);
    for (command, code, says) in [
        (&["call", "stor", "push"][..], 1, "stor"),
        (&["call", "store", "pull"], 1, "has no method pull"),
        (&["call", "store", "push", "7"], 1, "cannot use its arguments"),
        (&["call", "store", "push", "{"], 1, "not JSON"),
        (&["call", "store", "push", "7", "--node", "other"], 1, "other"),
        (&["call", "nobody.*", "push", "--every"], 1, "no service listens on nobody.*"),
        (&["call", "a..b", "push"], 1, "a..b"),
        (&["call", "store"], 64, "METHOD"),
    ] {
        let _ = scene.command(command).run().expect(code).says(&[says]);
    }
}

fn subscriptions(scene: &Scene) {
    let seen = scene.command(&["subscribe", "store", "t", "--count", "1", "--within", "20s"]).run().expect(0);
    let rows = json!([{"id": 1}, {"id": 2}]);
    assert_eq!(seen.json(), json!({"event": "snapshot", "rows": rows, "service": "store", "node": "shop"}));
    let table =
        scene.command(&["subscribe", "shop.*", "t", "--count", "1", "--output", "table"]).run().expect(0);
    assert_eq!(table.stdout, "= store on shop {\"id\":1}\n= store on shop {\"id\":2}\n");

    let mut follower = scene.start("follower", &["subscribe", "store", "t"]);
    follower.wait_for("the snapshot", |line| line["event"] == "snapshot");
    scene.push(&json!([{"id": 2, "x": 1}, {"id": 3}]));
    let change = follower.wait_for("the change", |line| line["event"] == "change");
    assert_eq!(change["added"], json!([{"id": 3}]));
    assert_eq!(change["changed"], json!([[{"id": 2}, {"id": 2, "x": 1}]]));
    assert_eq!(change["removed"], json!([{"id": 1}]));
    follower.terminate();

    for (command, code, says) in [
        (&["subscribe", "stor", "t"][..], 1, "no service listens on stor"),
        (&["subscribe", "store", "v"], 1, "publishes a table \"v\"; known are t, u"),
        (&["subscribe", "store", ""], 1, "known are t, u"),
        (
            &["subscribe", "stor", "t", "--wait", "--count", "1", "--within", "500ms"],
            69,
            "1 events are missing",
        ),
        (&["subscribe", "store", "t", "--output", "xml"], 64, "xml"),
    ] {
        let _ = scene.command(command).run().expect(code).says(&[says]);
    }
}

fn status(scene: &Scene) {
    let mut follower = scene.start("reader", &["subscribe", "store", "t"]);
    follower.wait_for("the snapshot", |line| line["event"] == "snapshot");
    let status = scene.json(&["status", "--json", "--interval", "200ms"]);
    let nodes: Vec<&str> =
        status.as_array().unwrap().iter().map(|one| one["node"].as_str().unwrap()).collect();
    assert_eq!(nodes, ["other", "shop"]);
    let shop = &status[1];
    let trip = shop["round_trip_ms"].as_f64().unwrap();
    assert!(trip > 0.0 && trip < 5_000.0, "{trip} ms");
    let rate = &shop["rates"][0];
    assert_eq!((&rate["table"], &rate["changes_per_second"]), (&json!("t"), &json!(0.0)));
    assert_eq!(rate["subscribers"], json!(1));
    let topics = shop["topics"].as_array().unwrap();
    let inbox = topics.iter().find(|topic| topic["topic"] == "inbox").unwrap();
    let packets = inbox["packets_per_second"].as_f64().unwrap();
    assert!(packets > 0.0 && inbox["bytes_per_second"].as_f64().unwrap() > packets, "{inbox}");
    let published = &shop["report"]["published"][0];
    assert_eq!((&published["rows"], published["subscribers"].as_array().unwrap().len()), (&json!(2), 1));
    until("the subscriber reports what it has applied", || {
        let status = scene.json(&["status", "--json", "--interval", "1ms", "--node", "shop"]);
        let lag = &status[0]["report"]["published"][0]["lags"][0];
        (lag["behind"] == 0 && status[0]["rates"][0]["behind"] == 0 && lag["applied"].as_u64()? > 0)
            .then_some(())
    });
    let text = scene.command(&["status", "--node", "shop"]).run().expect(0).stdout;
    for cell in ["round trip", "changes/s", "store", "_command-", "gaps", "resyncs"] {
        assert!(text.contains(cell), "{cell} in {text}");
    }
    let _ = scene.command(&["status", "--node", "shp"]).run().expect(1).says(&["known are other, shop"]);
    follower.terminate();
}
