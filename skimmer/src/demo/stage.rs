use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use pubsub_api::{Error, ErrorKind, Result};
use tokio::io::AsyncWriteExt;

use super::change_log::ChangeLog;
use super::observer::{Observer, SentTimes};
use crate::children::ChildProcess;
use crate::scratch::Scratch;

/// The processes of the demo but for the workers: one service, and agents that are subscribed to it.
pub(super) struct Stage {
    folder: PathBuf,
    settings: Vec<String>,
    service: ChildProcess,
    agents: Vec<ChildProcess>,
}

impl Stage {
    /// Starts the service and the agents, and returns when every agent has proof of its subscription.
    pub(super) async fn set(scratch: &Scratch, agents: usize, sets: &[String]) -> Result<Self> {
        let folder = scratch.path().to_owned();
        let mut settings = set("publisher_multiproc_socket", &folder.join("ipc").display().to_string());
        settings.extend(sets.iter().flat_map(|set| ["--set".to_owned(), set.clone()]));
        let mut arguments = vec!["publisher-service".to_owned()];
        arguments.extend(settings.iter().cloned());
        arguments.extend(set("publisher_port", "0"));
        arguments.extend(set("state_dir", &folder.display().to_string()));
        let mut service = ChildProcess::start("publisher-service", &folder, &arguments)?;
        let ready = service.expect_line(|line| line.get("ready").is_some()).await?;
        let endpoint = ready.get("network").and_then(|endpoint| endpoint.as_str()).unwrap_or_default();
        let address = endpoint.strip_prefix("tcp://").unwrap_or(endpoint).to_owned();

        let mut stage = Self { folder, settings, service, agents: Vec::new() };
        for number in 1..=agents {
            stage.start_agent(number, &address)?;
        }
        for agent in &mut stage.agents {
            agent.expect_line(|line| line.get("notice").is_some_and(|notice| notice == "subscribed")).await?;
        }
        Ok(stage)
    }

    fn start_agent(&mut self, number: usize, address: &str) -> Result<()> {
        let name = format!("agent-{number}");
        let state_dir = self.folder.join(&name);
        std::fs::create_dir(&state_dir).map_err(|error| {
            Error::new(ErrorKind::Unavailable, format!("cannot make {}", state_dir.display()))
                .with_source(error)
        })?;
        let mut arguments = vec!["subscriber-agent".to_owned(), "--pattern".to_owned(), "#".to_owned()];
        arguments.extend(self.settings.iter().cloned());
        arguments.extend(set("publishers_ips", address));
        arguments.extend(set("state_dir", &state_dir.display().to_string()));
        self.agents.push(ChildProcess::start(&name, &self.folder, &arguments)?);
        Ok(())
    }

    pub(super) fn start_workers(&self, count: usize) -> Result<Workers> {
        let start = |number| {
            let mut arguments = vec!["pub".to_owned(), "--jsonl".to_owned(), "-".to_owned()];
            arguments.extend(self.settings.iter().cloned());
            ChildProcess::start(&format!("worker-{number}"), &self.folder, &arguments)
        };
        (1..=count).map(start).collect::<Result<Vec<_>>>().map(Workers)
    }

    /// Reads what the agents write from now on.
    pub(super) fn observe(&mut self, log: &ChangeLog, sent: &SentTimes) -> Result<Vec<Observer>> {
        let mut expected: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for (index, line) in log.lines().enumerate() {
            expected.entry(line.to_owned()).or_default().push(index);
        }
        let expected = Arc::new(expected);
        let observe = |agent: &mut ChildProcess| {
            let lines = agent.lines.take();
            let lines =
                lines.ok_or_else(|| Error::new(ErrorKind::Internal, "an agent's output was taken"))?;
            Ok(Observer::start(lines, Arc::clone(&expected), sent.clone()))
        };
        self.agents.iter_mut().map(observe).collect()
    }

    /// Lets all processes drain; each must end well.
    pub(super) async fn end(self) -> Result<()> {
        for agent in self.agents {
            agent.end().await?;
        }
        self.service.end().await
    }
}

/// The worker processes: each reads lines and publishes them.
pub(super) struct Workers(Vec<ChildProcess>);

impl Workers {
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Gives one line to one worker.
    pub(super) async fn write(&mut self, worker: usize, line: &str) -> Result<()> {
        let Some(worker) = self.0.get_mut(worker) else { return Ok(()) };
        let Some(stdin) = worker.stdin.as_mut() else { return Err(worker.failed("its input was taken")) };
        let mut text = String::with_capacity(line.len() + 1);
        text.push_str(line);
        text.push('\n');
        let written = stdin.write_all(text.as_bytes()).await;
        written.map_err(|error| worker.failed(&error.to_string()))
    }

    /// Ends their input and waits until each has handed everything over.
    pub(super) async fn end(mut self) -> Result<()> {
        for worker in &mut self.0 {
            worker.ended().await?;
        }
        Ok(())
    }
}

fn set(name: &str, value: &str) -> Vec<String> {
    vec!["--set".to_owned(), format!("{name}={value}")]
}
