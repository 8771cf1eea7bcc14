use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bench_kit::{ChildProcess, Scratch};
use pubsub_api::{Error, ErrorKind, Result};
use rustix::process::Signal;

use super::change_log::ChangeLog;
use super::observer::{Observer, SentTimes};
use super::workers::Workers;

/// The processes of the demo except the workers: one service and its agents.
pub(super) struct Stage {
    folder: PathBuf,
    settings: Vec<String>,
    /// The arguments of the service, with its port, so that it uses the same address after a restart.
    service_arguments: Vec<String>,
    /// `None` while it is down.
    service: Option<ChildProcess>,
    agents: Vec<ChildProcess>,
}

impl Stage {
    /// Starts the service and the agents, and returns when every agent has confirmed its subscription.
    pub(super) async fn set(scratch: &Scratch, agents: usize, sets: &[String]) -> Result<Self> {
        let folder = scratch.path().to_owned();
        let mut settings = set("publisher_multiproc_socket", &folder.join("ipc").display().to_string());
        settings.extend(sets.iter().flat_map(|set| ["--set".to_owned(), set.clone()]));
        let mut arguments = vec!["publisher-service".to_owned()];
        arguments.extend(settings.iter().cloned());
        // The port is chosen at the first start, and the default id depends on the port, so the id must be set.
        arguments.extend(set("publisher_id", "demo"));
        arguments.extend(set("publisher_port", "0"));
        arguments.extend(set("state_dir", &folder.display().to_string()));
        let (service, address) = start_service(&folder, &arguments).await?;
        let port = address.rsplit_once(':').map_or("0", |(_, port)| port).to_owned();
        arguments.extend(set("publisher_port", &port));
        let mut stage = Self {
            folder,
            settings,
            service_arguments: arguments,
            service: Some(service),
            agents: Vec::new(),
        };
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
        // The demo's rows are in no database, so a full sync would delete them.
        arguments.extend(set("use_nb_db", "no"));
        arguments.extend(set("state_dir", &state_dir.display().to_string()));
        self.agents.push(ChildProcess::start_own(&name, &self.folder, &arguments)?);
        Ok(())
    }

    pub(super) fn start_workers(&self, count: usize) -> Result<Workers> {
        Workers::start(&self.folder, &self.settings, count)
    }

    /// Starts to read the output of the agents.
    pub(super) fn observe(&mut self, log: &ChangeLog, sent: &SentTimes) -> Result<Vec<Observer>> {
        let mut expected: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for (index, line) in log.lines().enumerate() {
            expected.entry(line.to_owned()).or_default().push(index);
        }
        let expected = Arc::new(expected);
        let observe = |agent: &mut ChildProcess| {
            let lines = agent.lines.take();
            let lines = lines
                .ok_or_else(|| Error::new(ErrorKind::Internal, "the output of an agent is already in use"))?;
            Ok(Observer::start(lines, Arc::clone(&expected), sent.clone()))
        };
        self.agents.iter_mut().map(observe).collect()
    }

    /// Ends the service: with SIGKILL if `kills`, otherwise with SIGTERM, so that it drains.
    pub(super) async fn end_service(&mut self, kills: bool) -> Result<()> {
        match self.service.take() {
            Some(service) if kills => service.kill().await,
            Some(service) => service.end().await,
            None => Ok(()),
        }
    }

    /// Starts the service again at the same address.
    pub(super) async fn restart_service(&mut self) -> Result<()> {
        let (service, _) = start_service(&self.folder, &self.service_arguments).await?;
        self.service = Some(service);
        Ok(())
    }

    /// Pauses the last agent, or continues it.
    pub(super) fn pause_agent(&self, pauses: bool) -> Result<()> {
        let signal = if pauses { Signal::STOP } else { Signal::CONT };
        self.agents.last().map_or(Ok(()), |agent| agent.signal(signal))
    }

    /// Drains all processes; each must exit with success.
    pub(super) async fn end(self) -> Result<()> {
        for agent in self.agents {
            agent.end().await?;
        }
        match self.service {
            Some(service) => service.end().await,
            None => Ok(()),
        }
    }
}

/// Starts a service and returns it with its network address.
async fn start_service(folder: &Path, arguments: &[String]) -> Result<(ChildProcess, String)> {
    let mut service = ChildProcess::start_own("publisher-service", folder, arguments)?;
    let ready = service.expect_line(|line| line.get("ready").is_some()).await?;
    let endpoint = ready.get("network").and_then(|endpoint| endpoint.as_str()).unwrap_or_default();
    let address = endpoint.strip_prefix("tcp://").unwrap_or(endpoint).to_owned();
    Ok((service, address))
}

fn set(name: &str, value: &str) -> Vec<String> {
    vec!["--set".to_owned(), format!("{name}={value}")]
}
