//! How `skimmer dse call` may call: once by a key, repeated, until a quorum, and in parts.

use data_services::{Call, CallError, CallErrorKind, Node, NodeOptions, ServiceHandle};
use end_to_end::until;
use pubsub_api::{Registry, Role};
use serde_json::{Value, json};
use service_kit::SettingsArguments;

use super::scene::{STORE, Scene};

#[test]
fn a_call_with_a_key_runs_once_however_often_the_command_is_repeated() {
    let mut scene = Scene::zmtp();
    let _shop = scene.node("shop", STORE);
    let arguments = json!({"table": "t", "rows": [{"id": 1}, {"id": 2}]}).to_string();
    let push = ["call", "store", "push", arguments.as_str(), "--json"];
    let keyed = [&push[..], &["--key", "order-7"]].concat();
    let first = scene.json(&keyed);
    assert_eq!(scene.json(&keyed), first);
    assert_eq!(scene.json(&["call", "store", "status", "--json"])["number_of_updates"], 1);
    scene.json(&push);
    assert_eq!(scene.json(&["call", "store", "status", "--json"])["number_of_updates"], 2);
}

#[test]
fn a_call_that_is_retried_waits_for_its_service() {
    let mut scene = Scene::zmtp();
    let _observer = scene.node("observer", "");
    let _ =
        scene.command(&["call", "store", "status"]).run().expect(1).says(&["no service listens on store"]);
    let mut call =
        scene.start("call", &["call", "store", "status", "--retry", "--deadline", "60s", "--json"]);
    until("the command is on the bus", || {
        let peers = scene.folder.status("observer")["parts"]["node"]["peers"].as_array()?.clone();
        let is_command =
            |one: &Value| one["endpoint"].as_str().is_some_and(|node| node.starts_with("_command"));
        peers.iter().any(|one| is_command(one) && one["state"] == "up").then_some(())
    });
    let _shop = scene.node("shop", STORE);
    call.wait_for("the result", |line| line["initialized"].is_boolean());
    assert!(call.wait_for_end().success());
}

#[test]
fn a_table_that_is_larger_than_the_arguments_of_a_call_is_loaded_in_parts() {
    let mut scene = Scene::zmtp();
    let _shop = scene.node("shop", STORE);
    let row = |number: u32| json!({"id": number, "text": "x".repeat(1_000)});
    let part = |part: u32| json!((100 * part..100 * (part + 1)).map(row).collect::<Vec<_>>()).to_string();
    let lines: Vec<String> = (0..20).map(part).collect();
    let load = ["call", "store", "load", r#"{"table":"t"}"#, "--upload", "--json"];
    let loaded = scene.command(&load).run_with(&lines.join("\n")).expect(0);
    assert_eq!(loaded.json(), json!(2_000));
    let seen = scene.json(&["subscribe", "store", "t", "--count", "1", "--within", "20s"]);
    assert_eq!(seen["rows"].as_array().unwrap().len(), 2_000);
    // A mistake on a line changes nothing.
    for (lines, says) in
        [("[{\"id\": 1}]\n{\n", "line 2 is not JSON"), ("[{\"id\": 1}]\n7\n", "a list of rows")]
    {
        let _ = scene.command(&load).run_with(lines).expect(1).says(&[says]);
    }
    let push = ["call", "store", "push", r#"{"table":"t","rows":[]}"#, "--upload"];
    let _ = scene
        .command(&push)
        .run_with("[]\n")
        .expect(1)
        .says(&["method push of service store takes no parts"]);
    let status = scene.json(&["call", "store", "status", "--json"]);
    assert_eq!((&status["number_of_updates"], &status["last_error"]), (&json!(1), &json!(null)));
}

#[test]
fn a_trace_goes_from_a_call_to_the_log_the_errors_and_the_subscribers() {
    let mut scene = Scene::zmtp();
    let shop = scene.launch("shop", STORE).args(["--log-level", "debug"]);
    let shop = scene.ready(shop);
    let mut follower = scene.start("follower", &["subscribe", "store", "t"]);
    follower.wait_for("the snapshot", |line| line["event"] == "snapshot");
    let (trace, push) = ("4bf92f3577b34da6a3ce929d0e0e4736", r#"{"table":"t","rows":[{"id":1}]}"#);
    let parent = format!("00-{trace}-00f067aa0ba902b7-01");
    scene.json(&["call", "store", "push", push, "--trace", &parent, "--json"]);
    let change = follower.wait_for("the change", |line| line["event"] == "change");
    assert_eq!((&change["trace"], &change["added"]), (&json!(trace), &json!([{"id": 1}])));
    follower.terminate();
    let _ = scene.command(&["call", "store", "push", "7", "--trace", trace]).run().expect(1).says(&[trace]);
    let _ =
        scene.command(&["call", "store", "push", push, "--trace", "7"]).run().expect(1).says(&["trace id"]);
    until("the node has logged it", || shop.program.stderr().contains(trace).then_some(()));
}

#[test]
fn a_call_to_every_service_ends_with_its_quorum() {
    let mut scene = Scene::zmtp();
    let nodes = [scene.node("shop", STORE), scene.node("depot", &STORE.replace("\"store\"", "\"depot\""))];
    let call = ["call", "shop.all", "status", "--every", "--json"];
    let with = |options: &[&'static str]| [&call[..], options].concat();
    until("both are known", || (scene.json(&call).as_array()?.len() == 2).then_some(()));
    let some = scene.json(&with(&["--quorum", "1", "--deadline", "30s"]));
    assert!(some.as_array().unwrap().iter().any(|one| one["result"]["initialized"].is_boolean()), "{some}");
    let _ = scene.command(&with(&["--quorum", "3"])).run().expect(1).says(&["3"]);
    for (options, says) in [
        (&["call", "store", "status", "--quorum", "1"][..], "--every"),
        (&["call", "store", "status", "--every", "--retry"], "--every"),
        (&["call", "store", "status", "--parts", "--key", "k"], "--key"),
    ] {
        let _ = scene.command(options).run().expect(64).says(&[says]);
    }
    drop(nodes);
}

#[test]
fn the_parts_of_a_result_are_printed_one_by_one() {
    let mut scene = Scene::zmtp();
    let _shop = scene.node("shop", STORE);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let numbers = runtime.block_on(numbers(scene.seed()));
    until("the service is known", || {
        let services = scene.json(&["services", "--json"]);
        services.as_array()?.iter().any(|one| one["service"] == "numbers").then_some(())
    });
    let printed = scene.command(&["call", "numbers", "count", "3", "--parts"]).run().expect(0);
    assert_eq!(printed.stdout, "{\"part\":0}\n{\"part\":1}\n{\"part\":2}\n{\"result\":{\"parts\":3}}\n");
    let failed = scene.command(&["call", "numbers", "count", "13", "--parts"]).run().expect(1);
    assert_eq!(failed.stdout.lines().count(), 13);
    let _ = failed.says(&["13 is unlucky"]);
    let whole = scene.command(&["call", "store", "status", "--parts"]).run().expect(0);
    assert!(whole.json()["result"]["initialized"].is_boolean(), "{}", whole.stdout);
    runtime.block_on(numbers.node().leave());
}

/// A service on a node of this process that sends the number of parts in the argument.
async fn numbers(seed: &str) -> ServiceHandle {
    let registry = Registry::collect().unwrap();
    let sets = ["publisher_bind_address=127.0.0.1".to_owned(), "publisher_port=0".to_owned()];
    let (settings, _) =
        SettingsArguments { config: Vec::new(), sets: sets.to_vec() }.load(&registry).unwrap();
    let options = NodeOptions::new("numbers").unwrap().seed(format!("tcp://{seed}"));
    let node = Node::join(options, registry.open(&settings, Role::Network).unwrap(), false).await.unwrap();
    let count = |call: Call| async move {
        let parts = call.arguments::<u64>()?;
        for part in 0..parts {
            call.send_part(part).await?;
        }
        match parts {
            13 => Err(CallError::new(CallErrorKind::Remote, "13 is unlucky")),
            _ => Ok(json!({"parts": parts})),
        }
    };
    node.service("numbers").method("count", count).start().await.unwrap()
}
