//! A node of the data services engine under the restrictions of its unit.

use std::fs;

use end_to_end::{Ended, Folder, Signal, until};
use serde_json::json;

use super::confinement::{SERVICE, confined, installation, require_root};

/// `skimmer dse …` on the bus of the node at `seed`.
#[track_caller]
fn command(folder: &Folder, seed: &str, command: &[&str]) -> Ended {
    let command = folder.skimmer(&[&["dse"], command].concat());
    command.set("data_services.seeds", seed).set("data_services.port", 0).run().expect(0)
}

/// The entry of a service of the kind `pushed`, which saves its rows in `state_dir`.
fn pushed(folder: &Folder, id: &str) -> String {
    let file = folder.state_dir("service.state").join(format!("{id}.json"));
    format!(
        "[[service]]\nid = \"{id}\"\nkind = \"pushed\"\noptions = {{ tables = {{ t = [] }}, file = {file:?} }}\n"
    )
}

/// The entry of a service that publishes a folder with one table, which the node may only read.
fn of_folder(folder: &Folder) -> String {
    let path = folder.path().join("files");
    fs::create_dir(&path).expect("a folder");
    fs::write(path.join("hosts.json"), "[[\"a\"]]").expect("a file");
    format!("[[service]]\nid = \"files\"\nkind = \"folder\"\noptions = {{ path = {path:?} }}\n")
}

#[test]
fn under_the_units_restrictions_a_node_publishes_files_saves_pushed_rows_and_reloads_its_services() {
    require_root();
    let folder = installation();
    let services =
        folder.write("services.toml", &format!("{}{}", of_folder(&folder), pushed(&folder, "one")));
    let unit = Some("data-services-node.service");
    let node = confined(&folder, "skimmer", SERVICE, SERVICE, unit, &["dse", "run"]);
    let node = node.set("state_dir", folder.state_dir("service.state").display());
    let node = node.set("data_services.port", 0).set("data_services.services_file", services.display());
    let mut node = node.start();
    let ready = node.wait_for("the ready line", |line| line["ready"] == true);
    let network = ready["network"].as_str().expect("an endpoint");
    let seed = network.split_once("://").map_or(network, |(_, address)| address);

    let rows = command(&folder, seed, &["subscribe", "files", "hosts", "--count", "1"]).json();
    assert_eq!(rows["rows"], json!([["a"]]));
    let _ = command(&folder, seed, &["call", "one", "push", r#"{"table":"t","rows":[[1]]}"#]);
    assert!(folder.state_dir("service.state").join("one.json").exists());

    folder.write("services.toml", &format!("{}{}", pushed(&folder, "one"), pushed(&folder, "two")));
    node.signal(Signal::HUP);
    until("the services of the new file run", || {
        let services = command(&folder, seed, &["services", "--json"]).json();
        let names = services.as_array()?.iter().map(|one| one["service"].clone());
        (names.collect::<Vec<_>>() == ["one", "two"]).then_some(())
    });
    node.terminate();
}
