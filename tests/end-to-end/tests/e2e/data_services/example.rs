//! The example in etc/data-services, as docs/data-services.md starts it.

use std::fs;
use std::path::Path;

use end_to_end::{Folder, Launch, Program, fixed_port};
use serde_json::json;

/// Copies the example, with paths in `folder` and other ports.
fn install(folder: &Folder) {
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../etc/data-services");
    let ports = [("8870", fixed_port().to_string()), ("8871", fixed_port().to_string())];
    let here = folder.path().display().to_string();
    for name in ["reader", "reader-services", "deriver", "deriver-services", "viewer"] {
        let text = fs::read_to_string(shipped.join(format!("{name}.toml"))).unwrap();
        let text = text.replace("/tmp/skimmer-data-services", &here).replace("etc/data-services", &here);
        let text = ports.iter().fold(text, |text, (port, other)| text.replace(port, other));
        folder.write(&format!("{name}.toml"), &text);
    }
    for state_dir in ["reader", "deriver", "inventory"] {
        let _ = folder.state_dir(state_dir);
    }
    fs::copy(shipped.join("inventory/hosts.json"), folder.path().join("inventory/hosts.json")).unwrap();
}

fn node(folder: &Folder, name: &str) -> Program {
    let config = folder.path().join(format!("{name}.toml"));
    let node =
        Launch::new("skimmer", name, folder.path()).args(["dse", "run", "--config"]).args([config]).start();
    node.wait_for("the ready line", |line| line["ready"] == true);
    node
}

#[test]
fn the_shipped_example_shows_the_large_hosts_and_follows_the_file() {
    let folder = Folder::new();
    install(&folder);
    let mut nodes = [node(&folder, "reader"), node(&folder, "deriver")];
    let viewer = Launch::new("skimmer", "viewer", folder.path());
    let viewer = viewer.args(["dse", "subscribe", "large", "hosts", "--wait", "--config"]);
    let mut viewer = viewer.args([folder.path().join("viewer.toml")]).start();
    let host = |name: &str, cores: u32, site: &str| json!({"name": name, "cores": cores, "site": site});
    let large = json!([host("esx-2", 16, "Boston"), host("esx-3", 24, "Chicago")]);
    viewer.wait_for("the large hosts", |line| line["rows"] == large);
    let hosts = json!([host("esx-1", 12, "Boston"), host("esx-2", 16, "Boston")]);
    let file = folder.write("inventory/hosts.new", &hosts.to_string());
    fs::rename(&file, folder.path().join("inventory/hosts.json")).unwrap();
    viewer.wait_for("the change", |line| {
        line["added"] == json!([host("esx-1", 12, "Boston")])
            && line["removed"] == json!([host("esx-3", 24, "Chicago")])
    });
    viewer.terminate();
    nodes.iter_mut().for_each(Program::terminate);
}
