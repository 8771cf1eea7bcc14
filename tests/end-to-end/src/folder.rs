use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use tempfile::TempDir;

use crate::{Launch, Program, Service, jsonl};

/// One installation: a folder with a settings file, a socket, and a `state_dir` for each process; removed at the end.
///
/// The file sets the socket and `publisher_port = 0`; a process gets its own `state_dir`, and an agent its
/// `publishers_ips`, by `--set`.
#[derive(Debug)]
pub struct Folder {
    directory: TempDir,
}

impl Folder {
    /// A new folder with the settings of every test.
    #[must_use]
    pub fn new() -> Self {
        Self::with_settings("")
    }

    /// A new folder with `more` lines at the end of its settings file, which is in section `[pubsub]` there.
    ///
    /// # Panics
    /// If the folder cannot be made.
    #[must_use]
    pub fn with_settings(more: &str) -> Self {
        let directory = tempfile::Builder::new().prefix("skimmer-e2e-").tempdir().expect("a folder");
        let folder = Self { directory };
        let settings = format!(
            "[pubsub]\npublisher_port = 0\npublisher_multiproc_socket = {:?}\nstate_dir = {:?}\n{more}\n",
            folder.socket(),
            folder.state_dir("state"),
        );
        folder.write("skimmer.toml", &settings);
        folder
    }

    /// The path of the folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    /// The settings file.
    #[must_use]
    pub fn config(&self) -> PathBuf {
        self.path().join("skimmer.toml")
    }

    /// The socket between workers and service.
    #[must_use]
    pub fn socket(&self) -> PathBuf {
        self.path().join("ipc.sock")
    }

    /// A `state_dir` in the folder, made if it does not exist.
    ///
    /// # Panics
    /// If it cannot be made.
    #[must_use]
    pub fn state_dir(&self, name: &str) -> PathBuf {
        let path = self.path().join(name);
        fs::create_dir_all(&path).expect("a folder can be made");
        path
    }

    /// Writes a file in the folder.
    ///
    /// # Panics
    /// If it cannot be written.
    pub fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path().join(name);
        fs::write(&path, text).expect("a file can be written");
        path
    }

    /// A program with `--config` of this folder and a separate `state_dir`, called `name`.
    #[must_use]
    pub fn launch(&self, program: &str, name: &str) -> Launch {
        let launch = Launch::new(program, name, self.path());
        let launch = launch.args(["--config".into(), self.config().into_os_string()]);
        launch.set("state_dir", self.state_dir(&format!("{name}.state")).display())
    }

    /// `skimmer COMMAND` with `--config` of this folder.
    #[must_use]
    pub fn skimmer(&self, command: &[&str]) -> Launch {
        let launch = Launch::new("skimmer", "skimmer", self.path());
        launch.args(command).args(["--config".into(), self.config().into_os_string()])
    }

    /// A publisher service, called `service`, on any free port; ready when this returns.
    #[must_use]
    #[track_caller]
    pub fn service(&self) -> Service {
        Service::ready(self.launch("publisher-service", "service").start())
    }

    /// A publisher service on this port, so that it can be restarted there.
    #[must_use]
    pub fn service_at(&self, port: u16) -> Service {
        Service::ready(self.launch("publisher-service", "service").set("publisher_port", port).start())
    }

    /// A subscriber agent for every topic, at one service; it may not be connected yet when this returns.
    #[must_use]
    pub fn agent(&self, name: &str, service: &Service) -> Program {
        self.agent_launch(name, service.address()).args(["--pattern", "#"]).start()
    }

    /// As [`agent`](Self::agent), and waits until every event published from now on arrives.
    #[must_use]
    #[track_caller]
    pub fn subscribed_agent(&self, name: &str, service: &Service) -> Program {
        let agent = self.agent(name, service);
        agent.wait_for_notice(0, "subscribed");
        agent
    }

    /// An agent's command line, with the entries of `publishers_ips`, to be completed.
    #[must_use]
    pub fn agent_launch(&self, name: &str, publishers: &str) -> Launch {
        self.launch("subscriber-agent", name).set("publishers_ips", publishers)
    }

    /// A worker that publishes the lines of its stdin: `skimmer pub --jsonl -`.
    #[must_use]
    pub fn worker(&self, name: &str) -> Program {
        self.worker_launch(name).start()
    }

    /// A worker's command line.
    #[must_use]
    pub fn worker_launch(&self, name: &str) -> Launch {
        let launch = Launch::new("skimmer", name, self.path());
        launch.args(["pub", "--jsonl", "-", "--config"]).args([self.config()])
    }

    /// Publishes events with a separate worker, which must confirm all of them.
    ///
    /// # Panics
    /// If it is not.
    #[track_caller]
    pub fn publish(&self, events: &[Value]) {
        let ended = self.worker_launch("worker").run_with(&jsonl(events)).expect(0);
        assert_eq!(ended.last_words(), format!("published {} events", events.len()));
    }

    /// The output of `skimmer status --json` about the process that was launched as `name`.
    ///
    /// # Panics
    /// If it does not reply.
    #[must_use]
    #[track_caller]
    pub fn status(&self, name: &str) -> Value {
        let state_dir = self.state_dir(&format!("{name}.state"));
        // Without the settings file: a test may have broken it on purpose.
        let ask = Launch::new("skimmer", "skimmer", self.path()).args(["status", "--json"]);
        let asked = ask.set("state_dir", state_dir.display()).run();
        // It is 69, with the document, if an agent has a publisher that does not answer.
        let code = if asked.stdout.is_empty() { 0 } else { asked.code().unwrap_or_default() };
        let asked = asked.expect(if code == 69 { 69 } else { 0 });
        asked.json().as_array().and_then(|all| all.first().cloned()).expect("one program answers")
    }
}

impl Default for Folder {
    fn default() -> Self {
        Self::new()
    }
}
