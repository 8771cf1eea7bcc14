//! What cannot start, and what cannot be reached.

use end_to_end::fixed_port;

use super::scene::{STORE, Scene};

#[test]
fn a_bus_without_a_reachable_node_is_unavailable_and_the_seeds_are_named() {
    let scene = Scene::zmtp();
    let seed = format!("127.0.0.1:{}", fixed_port());
    for command in [&["nodes"][..], &["call", "a", "b"], &["subscribe", "a", "b"], &["status"]] {
        let launch = scene.command(command).set("data_services.seeds", &seed).args(["--timeout", "1s"]);
        let _ = launch.run().expect(69).says(&["no node of the bus bus replied at", &seed]);
    }
}

#[test]
fn invalid_settings_and_services_files_are_refused_at_the_start() {
    let scene = Scene::zmtp();
    for (services, says) in [
        ("[[service]]\nid = \"a\"\n", "missing field `kind`"),
        (
            "[[service]]\nid = \"a\"\nkind = \"fldr\"\n",
            "there is no kind of services \"fldr\"; the kinds are",
        ),
        (
            "[[service]]\nid = \"a\"\nkind = \"pushed\"\noptions = { tabls = {} }\n",
            "invalid options for the kind pushed",
        ),
    ] {
        let _ = scene.launch("bad", services).run().expect(78).says(&["data_services.services_file", says]);
    }
    for (setting, value, says) in [
        ("services_file", "/nowhere/services.toml", "/nowhere/services.toml"),
        ("down_after", "500ms", "must be longer than data_services.suspect_after"),
        ("node_id", &"x".repeat(101), "data_services.node_id"),
        ("bind_address", "*", "advertise"),
        ("advertise", "a b", "data_services.advertise"),
        ("seeds", "node-1", "needs a port of its own"),
        ("heartbeat", "1ms", "heartbeat"),
    ] {
        let launch = scene.launch("bad", STORE).set(&format!("data_services.{setting}"), value);
        let _ = launch.run().expect(78).says(&[says]);
    }
    let launch = scene.launch("bad", STORE).set("state_dir", "/nowhere");
    let _ = launch.run().expect(69).says(&["state_dir", "/nowhere"]);
}

#[test]
fn a_port_in_use_is_refused() {
    let mut scene = Scene::zmtp();
    let first = scene.node("first", "");
    let port =
        first.ready["network"].as_str().and_then(|endpoint| endpoint.rsplit_once(':')).unwrap().1.to_owned();
    let _ = scene.launch("second", "").set("data_services.port", &port).run().expect(69).says(&[&port]);
}
