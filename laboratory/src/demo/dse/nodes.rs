use std::path::{Path, PathBuf};

use bench_kit::ChildProcess;
use pubsub_api::{Error, ErrorKind, Result};

use super::hosts::LARGE_ABOVE;

/// The processes of the demo.
pub(super) struct Nodes {
    folder: PathBuf,
    settings: Vec<String>,
    reader: ChildProcess,
    /// `None` while it is down.
    deriver: Option<ChildProcess>,
    deriver_arguments: Vec<String>,
    /// The node that shows the table, once it is started.
    viewer: Option<ChildProcess>,
    /// The addresses of the two nodes.
    seeds: Vec<String>,
}

impl Nodes {
    /// Starts the node that reads files and the node that derives a table.
    pub(super) async fn start(folder: &Path, sets: &[String]) -> Result<Self> {
        let mut settings = Vec::new();
        let bus = format!("data_services.bus_id=demo-{}", std::process::id());
        // A node that is killed is missed after a second.
        let times = [
            "data_services.heartbeat=200ms",
            "data_services.suspect_after=1s",
            "data_services.down_after=2s",
        ];
        for set in sets.iter().map(String::as_str).chain([bus.as_str()]).chain(times) {
            settings.extend(["--set".to_owned(), set.to_owned()]);
        }
        let inventory = folder.join("inventory");
        let services = format!(
            "[[service]]\nid = \"inventory\"\nkind = \"folder\"\n\
             options = {{ path = {inventory:?}, interval = \"50ms\", tables.hosts = {{ key = [\"name\"] }} }}\n"
        );
        let reader = arguments(folder, "reader", &services, &settings)?;
        let (reader, seed) = started(folder, "reader", &reader).await?;
        let services = format!(
            "[[service]]\nid = \"large\"\nkind = \"filter\"\n\
             options = {{ address = \"inventory\", table = \"hosts\", key = [\"name\"], \
             where = [{{ field = \"cores\", above = {LARGE_ABOVE} }}] }}\n"
        );
        let mut deriver_arguments = arguments(folder, "deriver", &services, &settings)?;
        deriver_arguments.extend(seeds(std::slice::from_ref(&seed)));
        let (deriver, endpoint) = started(folder, "deriver", &deriver_arguments).await?;
        // It is started again at the same address.
        if let Some((_, port)) = endpoint.rsplit_once(':') {
            deriver_arguments.extend(["--set".to_owned(), format!("data_services.port={port}")]);
        }
        let seeds = vec![seed, endpoint];
        let deriver = Some(deriver);
        let folder = folder.to_owned();
        Ok(Self { folder, settings, reader, deriver, deriver_arguments, viewer: None, seeds })
    }

    /// Starts the node that shows the derived table.
    pub(super) fn viewer(&mut self) -> Result<&mut ChildProcess> {
        let mut arguments: Vec<String> =
            ["dse", "subscribe", "large", "hosts", "--wait"].map(str::to_owned).to_vec();
        arguments.extend(self.settings.iter().cloned());
        arguments.extend(["--set".to_owned(), "data_services.port=0".to_owned()]);
        arguments.extend(seeds(&self.seeds));
        let viewer = ChildProcess::start_own("viewer", &self.folder, &arguments)?;
        Ok(self.viewer.insert(viewer))
    }

    pub(super) async fn kill_deriver(&mut self) -> Result<()> {
        match self.deriver.take() {
            Some(deriver) => deriver.kill().await,
            None => Ok(()),
        }
    }

    pub(super) async fn restart_deriver(&mut self) -> Result<()> {
        let (deriver, _) = started(&self.folder, "deriver", &self.deriver_arguments).await?;
        self.deriver = Some(deriver);
        Ok(())
    }

    /// Ends all processes; each must exit with success. The viewer first: it has shown the table.
    pub(super) async fn end(self) -> Result<()> {
        for node in self.viewer.into_iter().chain(self.deriver).chain([self.reader]) {
            node.end().await?;
        }
        Ok(())
    }
}

/// The arguments of a node with a services file and a `state_dir` of its own.
fn arguments(folder: &Path, name: &str, services: &str, settings: &[String]) -> Result<Vec<String>> {
    let failed = |error: std::io::Error| {
        Error::new(ErrorKind::Unavailable, format!("cannot write to {}", folder.display())).with_source(error)
    };
    let (file, state_dir) = (folder.join(format!("{name}.toml")), folder.join(name));
    std::fs::write(&file, services).map_err(failed)?;
    std::fs::create_dir(&state_dir).map_err(failed)?;
    let own = [
        format!("data_services.node_id={name}"),
        "data_services.port=0".to_owned(),
        format!("data_services.services_file={}", file.display()),
        format!("state_dir={}", state_dir.display()),
    ];
    let mut arguments = vec!["dse".to_owned(), "run".to_owned()];
    arguments.extend(settings.iter().cloned());
    arguments.extend(own.into_iter().flat_map(|set| ["--set".to_owned(), set]));
    Ok(arguments)
}

/// The argument with the addresses of nodes to join by; none on a broker, where nodes have none.
fn seeds(addresses: &[String]) -> Vec<String> {
    let known: Vec<&str> =
        addresses.iter().map(String::as_str).filter(|address| !address.is_empty()).collect();
    if known.is_empty() {
        return Vec::new();
    }
    vec!["--set".to_owned(), format!("data_services.seeds={}", known.join(","))]
}

/// Starts a node, and returns it with its address, which is empty on a broker.
async fn started(folder: &Path, name: &str, arguments: &[String]) -> Result<(ChildProcess, String)> {
    let mut node = ChildProcess::start_own(name, folder, arguments)?;
    let ready = node.expect_line(|line| line.get("ready").is_some()).await?;
    let endpoint = ready.get("network").and_then(|endpoint| endpoint.as_str()).unwrap_or_default();
    let address = endpoint.split_once("://").map_or(endpoint, |(_, address)| address).to_owned();
    Ok((node, address))
}
