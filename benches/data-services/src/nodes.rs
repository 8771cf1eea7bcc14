//! Nodes on the zmtp driver.

use std::net::TcpListener;
use std::time::Duration;

use bench_kit::{cannot, failure};
use data_services::{Node, NodeOptions, NodeReport};
use pubsub_api::{Registry, Result, Role};
use service_kit::SettingsArguments;

/// The time that a run waits for anything.
pub(crate) const PATIENCE: Duration = Duration::from_secs(18);

/// Joins the bus as a node that binds this port; 0 for any.
pub(crate) async fn join(name: &str, port: u16, seed: Option<&str>) -> Result<Node> {
    let registry = Registry::collect()?;
    let sets = [
        "pub_sub_driver=zmtp_pubsub_driver".to_owned(),
        "publisher_bind_address=127.0.0.1".to_owned(),
        format!("publisher_port={port}"),
    ];
    let (settings, _) = SettingsArguments { config: Vec::new(), sets: sets.to_vec() }.load(&registry)?;
    let options = NodeOptions::new(name)?;
    let options = match seed {
        Some(seed) => options.seed(seed),
        None => options,
    };
    Node::join(options, registry.open(&settings, Role::Network)?, false).await
}

/// The endpoint of a node.
pub(crate) async fn endpoint(node: &Node) -> Result<String> {
    node.report().await?.endpoint.ok_or_else(|| failure("a node on zmtp has no endpoint"))
}

/// A port that is free.
pub(crate) fn free_port() -> Result<u16> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).map_err(cannot("bind a port"))?;
    Ok(listener.local_addr().map_err(cannot("bind a port"))?.port())
}

/// The number of peers that are up.
pub(crate) fn up(report: &NodeReport) -> usize {
    report.peers.iter().filter(|peer| peer.state == "up").count()
}

/// Waits until `is_so`, at most [`PATIENCE`].
pub(crate) async fn until(
    what: &str,
    node: &Node,
    is_so: impl Fn(&NodeReport) -> bool,
) -> Result<NodeReport> {
    const LOOK: Duration = Duration::from_millis(20);
    let wait = async {
        loop {
            let report = node.report().await?;
            if is_so(&report) {
                return Ok(report);
            }
            tokio::time::sleep(LOOK).await;
        }
    };
    match tokio::time::timeout(PATIENCE, wait).await {
        Ok(report) => report,
        Err(_) => Err(failure(format!("{what}: not within {PATIENCE:?}"))),
    }
}
