use std::path::{Path, PathBuf};
use std::sync::Arc;

use bench_kit::{ChildProcess, Scratch, cannot, failure};
use drivers_zmtp::protocol::curve::{ClientKeys, PublicKey};
use drivers_zmtp::{read_key_file, write_key_file};
use pubsub_api::Result;

use crate::Arguments;

const LIBZMQ_PROXY: &str = include_str!("../../peers/libzmq_curve_proxy.py");

/// The keys of a publisher and of its agents, in a folder.
pub(crate) struct Fleet {
    folder: Scratch,
    pub(crate) publisher_key: PublicKey,
    agents: usize,
}

impl Fleet {
    pub(crate) fn new(agents: usize) -> Result<Self> {
        let folder = Scratch::new("curve-bench")?;
        let publisher_key = write_key_file(&folder.path().join("publisher.key"))?;
        let mut lines = String::new();
        for number in 0..agents {
            let key = write_key_file(&key_file(&folder, number))?;
            lines += &format!("agent-{number} {key}\n");
        }
        std::fs::write(folder.path().join("agents"), lines).map_err(cannot("write the agents' keys"))?;
        Ok(Self { folder, publisher_key, agents })
    }

    pub(crate) fn key_file(&self, agent: usize) -> PathBuf {
        key_file(&self.folder, agent)
    }

    /// The keys of every agent.
    pub(crate) fn client_keys(&self) -> Result<Vec<ClientKeys>> {
        let keys =
            |agent| Ok(ClientKeys::new(Arc::new(read_key_file(&self.key_file(agent))?), self.publisher_key));
        (0..self.agents).map(keys).collect()
    }

    /// The settings of the worker that publishes through `socket`.
    pub(crate) fn socket(&self) -> PathBuf {
        self.folder.path().join("push.sock")
    }

    /// Starts our service on a port, or on any with 0.
    pub(crate) async fn service(&self, arguments: &Arguments, port: u16) -> Result<(ChildProcess, String)> {
        let file = |name: &str| self.folder.path().join(name).display().to_string();
        let sets = [
            format!("publisher_port={port}"),
            format!("publisher_multiproc_socket={}", self.socket().display()),
            format!("state_dir={}", self.folder.path().display()),
            "drivers.zmtp.mechanism=curve".to_owned(),
            format!("drivers.zmtp.publisher_key_file={}", file("publisher.key")),
            format!("drivers.zmtp.authorized_agents_file={}", file("agents")),
        ];
        let mut all = vec!["--log-level".to_owned(), "warn".to_owned()];
        all.extend(sets.into_iter().flat_map(|set| ["--set".to_owned(), set]));
        let beside = || std::env::current_exe().map(|this| this.with_file_name("publisher-service"));
        let program = match &arguments.service {
            Some(program) => program.clone(),
            None => beside().map_err(cannot("find this program"))?,
        };
        self.started("publisher-service", &program, &all).await
    }

    /// Starts a PUB of libzmq with the same key.
    pub(crate) async fn libzmq(&self, arguments: &Arguments) -> Result<(ChildProcess, String)> {
        let secret = std::fs::read_to_string(self.folder.path().join("publisher.key"));
        let secret = secret.map_err(cannot("read the key of the publisher"))?;
        let socket = self.socket().display().to_string();
        let all = ["-c".to_owned(), LIBZMQ_PROXY.to_owned(), socket, secret.trim().to_owned()];
        self.started("libzmq", &arguments.python, &all).await
    }

    async fn started(&self, name: &str, program: &Path, all: &[String]) -> Result<(ChildProcess, String)> {
        let mut process = ChildProcess::start(name, self.folder.path(), program, all)?;
        let ready = process.expect_line(|line| line.get("network").is_some()).await?;
        let endpoint = ready.get("network").and_then(serde_json::Value::as_str).unwrap_or_default();
        let address = endpoint.strip_prefix("tcp://").ok_or_else(|| failure("no address was printed"))?;
        Ok((process, address.to_owned()))
    }
}

fn key_file(folder: &Scratch, agent: usize) -> PathBuf {
    folder.path().join(format!("agent-{agent}.key"))
}
