//! Services of which one is active, and access rules, from files.

use end_to_end::until;
use serde_json::json;

use super::scene::{STORE, Scene};

#[test]
fn a_standby_of_the_services_file_takes_over_from_a_node_that_is_killed() {
    let mut scene = Scene::zmtp();
    let replicated = STORE.replace("kind =", "active_standby = true\nkind =");
    let observer = scene.node("observer", "");
    let mut first = scene.node("first", &replicated);
    scene.push(&json!([{"id": 1}]));
    let second = scene.node("second", &replicated);
    until("the later one is on standby", || {
        let services = scene.json(&["services", "--json"]);
        let seen: Vec<_> =
            services.as_array()?.iter().map(|one| (one["node"].clone(), one["standby"].clone())).collect();
        (seen == [(json!("first"), json!(false)), (json!("second"), json!(true))]).then_some(())
    });
    let arguments = json!({"table": "t", "rows": [{"id": 2}]}).to_string();
    let _ = scene.command(&["call", "store", "push", &arguments, "--node", "second"]).run().expect(0);
    let follower = scene.start("follower", &["subscribe", "store", "t"]);
    follower.wait_for("the rows of the active one", |line| line["rows"] == json!([{"id": 1}]));
    first.program.kill();
    follower.wait_for("the rows of the standby", |line| line["rows"] == json!([{"id": 2}]));
    follower.wait_for("the earlier rows are gone", |line| line["event"] == "gone");
    drop((observer, second));
}

#[test]
fn an_access_file_denies_calls_and_an_invalid_one_is_refused_at_the_start() {
    let mut scene = Scene::zmtp();
    let rules =
        "[[rule]]\neffect = \"deny\"\nactions = [\"call\"]\nnames = [\"push\"]\nnodes = [\"_command-*\"]\n";
    let file = scene.folder.write("access.toml", rules);
    let launch = scene.launch("shop", STORE).set("data_services.access_file", file.display());
    let shop = scene.ready(launch);
    let arguments = json!({"table": "t", "rows": []}).to_string();
    let denied = scene.command(&["call", "store", "push", &arguments]).run();
    let _ = denied.expect(1).says(&["access rule 1 denies node _command-"]);
    let _ = scene.json(&["call", "store", "status"]);
    let file = scene.folder.write("access.toml", "[[rule]]\neffect = \"maybe\"\n");
    let refused = scene.launch("other", "").set("data_services.access_file", file.display()).run();
    let _ = refused.expect(78).says(&["data_services.access_file", "line 2"]);
    drop(shop);
}
