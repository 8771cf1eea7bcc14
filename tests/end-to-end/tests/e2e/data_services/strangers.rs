//! Buses of which nobody is a member who lacks the key: with sealed packets, and with CURVE.

use std::fs;
use std::path::PathBuf;

use end_to_end::{Folder, Launch, RawPeer, until};
use serde_json::{Value, json};

use super::scene::{STORE, Scene};

/// What nobody but the members may see.
const SECRET: &str = "a-value-that-is-secret";

fn skimmer(folder: &Folder, arguments: &[&str]) -> String {
    Launch::new("skimmer", "skimmer", folder.path()).args(arguments).run().expect(0).stdout
}

fn keyring(folder: &Folder, name: &str) -> PathBuf {
    let path = folder.path().join(name);
    let _ = skimmer(folder, &["keys", "keyring", "new", path.to_str().unwrap(), "--id", "k1"]);
    path
}

/// The settings of a node that seals its packets and accepts no others.
fn sealing(keyring: &std::path::Path) -> Vec<String> {
    let file = format!("data_services.keyring_file={}", keyring.display());
    vec![file, "data_services.packets=sealed".to_owned(), "data_services.accept=sealed".to_owned()]
}

/// A counter of the driver of a node, by cause.
fn counter(scene: &Scene, node: &str, name: &str, cause: &str) -> u64 {
    let status = scene.json(&["status", "--json", "--interval", "1ms", "--node", node]);
    let counters = status[0]["report"]["driver"]["counters"].as_array().unwrap().clone();
    let of = |one: &&Value| one["name"] == name && one["cause"] == cause;
    counters.iter().find(of).and_then(|one| one["value"].as_u64()).unwrap_or_default()
}

/// A stranger can neither list, nor call, nor subscribe.
#[track_caller]
fn finds_no_bus(stranger: &Scene) {
    for command in [
        &["nodes"][..],
        &["call", "store", "push", r#"{"table":"t","rows":[]}"#],
        &["subscribe", "store", "t", "--count", "1"],
    ] {
        let launch = stranger.command(command).args(["--timeout", "1s"]);
        let _ = launch.run().expect(69).says(&["no node of the bus bus replied"]);
    }
}

fn has(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|part| part == text.as_bytes())
}

/// Pushes rows until a peer has received a packet about the table.
fn reads_nothing(scene: &Scene, address: &str) {
    let mut raw = RawPeer::subscriber(address, &["$dse."]);
    let mut follower = scene.start("follower", &["subscribe", "store", "t"]);
    follower.wait_for("the rows", |line| line["event"] == "snapshot");
    scene.push(&json!([{"id": 1, "secret": SECRET}]));
    follower.wait_for("the change", |line| line["event"] == "change");
    let mut seen = Vec::new();
    while !has(&seen, "$dse.bus.tab.") {
        seen = raw.event();
        assert!(!has(&seen, SECRET), "{}", String::from_utf8_lossy(&seen));
    }
    follower.terminate();
}

#[test]
fn a_stranger_joins_no_sealed_bus_reads_nothing_and_is_counted_and_keys_are_changed_without_a_restart() {
    let mut scene = Scene::zmtp();
    let file = keyring(&scene.folder, "keyring");
    scene.add_sets(sealing(&file));
    let shop = scene.node("shop", STORE);
    let other = scene.node("other", "");
    scene.push(&json!([{"id": 1}]));
    reads_nothing(&scene, scene.seed());

    // Without a key, and with another one of the same name.
    let plain = scene.stranger();
    finds_no_bus(&plain);
    let mut forger = scene.stranger();
    forger.add_sets(sealing(&keyring(&forger.folder, "keyring")));
    finds_no_bus(&forger);
    for cause in ["not_sealed", "not_authentic"] {
        assert!(counter(&scene, "shop", "packets_invalid", cause) > 0, "{cause}");
        assert!(shop.program.stderr().contains("dropped a packet on topic $dse.bus.all."));
    }
    let text = scene.command(&["status", "--node", "shop"]).run().expect(0).stdout;
    assert!(text.contains("refused") && text.contains("not_sealed"), "{text}");

    let path = file.to_str().unwrap();
    for (step, id, log) in [
        ("add", "k2", r#"sealed with key "k1", and opened with ["k1", "k2"]"#),
        ("use", "k2", r#"sealed with key "k2", and opened with ["k1", "k2"]"#),
        ("remove", "k1", r#"sealed with key "k2", and opened with ["k2"]"#),
    ] {
        let _ = skimmer(&scene.folder, &["keys", "keyring", step, path, "--id", id]);
        for node in [&shop, &other] {
            until("the keyring is read", || node.program.stderr().contains(log).then_some(()));
        }
        scene.push(&json!([{"id": 2, "step": step}]));
    }
    until("both nodes are up under the new key", || {
        let nodes = scene.json(&["nodes", "--json"]);
        let mut states = nodes.as_array()?.iter().map(|node| &node["state"]);
        states.all(|state| state == "up").then_some(())
    });
    for mut node in [shop, other] {
        node.program.terminate();
    }
}

#[test]
fn a_sealed_bus_without_its_keyring_is_an_error_at_the_start() {
    let scene = Scene::zmtp();
    for set in ["packets", "accept"] {
        let launch = scene.launch("bad", "").set(&format!("data_services.{set}"), "sealed");
        let reason = format!("data_services.{set} = \"sealed\" needs it");
        let _ = launch.run().expect(78).says(&["data_services.keyring_file is empty", &reason]);
    }
    let open = scene.folder.write("open", "k1 00 use\n");
    let launch = scene.launch("bad", "").set("data_services.keyring_file", open.display());
    let _ = launch.run().expect(78).says(&["data_services.keyring_file", "other users can read"]);
}

/// A key of CURVE, and the line for those who shall accept it.
fn curve_key(folder: &Folder, name: &str) -> String {
    let path = folder.path().to_str().unwrap().to_owned();
    skimmer(folder, &["keys", "new", name, "--folder", &path]).trim().to_owned()
}

/// The settings of a node of a mesh with CURVE: all nodes have the key `bus` as publishers, and each its own as a subscriber.
fn curve(folder: &Folder, bus: &str, own: &str) -> Vec<String> {
    let file = |name: &str| folder.path().join(name).display().to_string();
    let public = bus.split_once(' ').unwrap().1;
    vec![
        "drivers.zmtp.mechanism=curve".to_owned(),
        format!("drivers.zmtp.publisher_key_file={}", file("bus.key")),
        format!("drivers.zmtp.authorized_agents_file={}", file("members")),
        format!("drivers.zmtp.agent_key_file={}", file(&format!("{own}.key"))),
        format!("drivers.zmtp.publisher_keys={public}"),
    ]
}

#[test]
fn a_stranger_joins_no_mesh_with_curve_and_is_counted() {
    let mut scene = Scene::zmtp();
    let bus = curve_key(&scene.folder, "bus");
    let members = ["shop", "other", "operator"].map(|name| curve_key(&scene.folder, name));
    fs::write(scene.folder.path().join("members"), members.join("\n")).unwrap();
    let _stranger_key = curve_key(&scene.folder, "stranger");
    let launch = |scene: &Scene, name: &str, services: &str| {
        let sets = curve(&scene.folder, &bus, name);
        let launch = scene.launch(name, services);
        sets.into_iter().fold(launch, |launch, set| launch.args(["--set".to_owned(), set]))
    };
    let shop = launch(&scene, "shop", STORE);
    let shop = scene.ready(shop);
    let other = launch(&scene, "other", "");
    let other = scene.ready(other);

    // Somebody with the address and the public key of the bus, whose own key is not authorized; and one without CURVE.
    let mut stranger = scene.stranger();
    stranger.add_sets(curve(&scene.folder, &bus, "stranger"));
    finds_no_bus(&stranger);
    finds_no_bus(&scene.stranger());

    scene.add_sets(curve(&scene.folder, &bus, "operator"));
    scene.push(&json!([{"id": 1}]));
    let seen = scene.json(&["subscribe", "store", "t", "--count", "1", "--within", "20s"]);
    assert_eq!(seen["rows"], json!([{"id": 1}]));
    let nodes = scene.json(&["nodes", "--json"]);
    let states: Vec<&Value> = nodes.as_array().unwrap().iter().map(|node| &node["state"]).collect();
    assert_eq!(states, ["up", "up"], "{nodes}");
    for cause in ["curve_unknown_key", "wrong_mechanism"] {
        assert!(counter(&scene, "shop", "peers_refused", cause) > 0, "{cause}");
    }
    for mut node in [shop, other] {
        node.program.terminate();
    }
}
