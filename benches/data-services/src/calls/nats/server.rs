use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use bench_kit::{cannot, failure};
use pubsub_api::Result;
use tokio::net::TcpStream;
use tokio::process::Child;

use crate::nodes::free_port;

/// A server of NATS, as a process, which is killed when this value is dropped.
#[derive(Debug)]
pub(crate) struct NatsServer {
    _process: Child,
    pub(crate) address: SocketAddr,
    /// What it prints as its version.
    pub(crate) version: String,
}

/// The time that its start may take.
const START: Duration = Duration::from_secs(10);

impl NatsServer {
    /// Starts it on a free port, and waits until it accepts connections.
    pub(crate) async fn start(program: Option<&Path>, folder: &Path) -> Result<Self> {
        let program = program.map_or_else(find, Path::to_owned);
        let text = || format!("start {} (Debian: nats-server)", program.display());
        let version = Command::new(&program).arg("--version").output().map_err(cannot(text()))?;
        let version = String::from_utf8_lossy(&version.stdout).trim().to_owned();
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()?));
        let log = std::fs::File::create(folder.join("nats-server.log")).map_err(cannot("create a log"))?;
        let process = tokio::process::Command::new(&program)
            .args(["--addr", "127.0.0.1", "--port", &address.port().to_string()])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .kill_on_drop(true)
            .spawn()
            .map_err(cannot(text()))?;
        let listens = async {
            while TcpStream::connect(address).await.is_err() {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        match tokio::time::timeout(START, listens).await {
            Ok(()) => Ok(Self { _process: process, address, version }),
            Err(_) => Err(failure(format!("{} did not listen within {START:?}", program.display()))),
        }
    }
}

/// Debian installs servers in folders that only root's PATH contains.
fn find() -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain(["/usr/sbin", "/usr/local/sbin"].map(PathBuf::from));
    let found = folders.map(|folder| folder.join("nats-server")).find(|file| file.is_file());
    found.unwrap_or_else(|| PathBuf::from("nats-server"))
}
