//! Many real agents in this process, which cost less than as many processes.
#![expect(clippy::expect_used, reason = "a test ends where an expectation fails")]

use std::time::Duration;

use drivers as _;
use end_to_end::{Folder, Service};
use pubsub_api::{Pattern, Registry};
use settings::Sources;
use subscriber_agent::{AgentBuilder, EventFilter, ExecHandler};
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;

/// Agents that run until this is dropped.
pub(super) struct AgentCrowd {
    _runtime: Runtime,
    running: Vec<JoinHandle<()>>,
}

impl AgentCrowd {
    /// Starts so many agents of a service, `compute-1` and so on. Some have a command for the events of one table: see
    /// [`command`].
    pub(super) fn start(folder: &Folder, service: &Service, number: usize) -> Self {
        let runtime = Runtime::new().expect("a runtime");
        // A handler starts its task when it is added.
        let inside = runtime.enter();
        let running = (1..=number)
            .map(|number| {
                let builder = builder(folder, service, number);
                runtime.spawn(async move {
                    let agent = builder.expect("its settings are right").build();
                    agent.start().await.expect("it starts");
                    // It ends with the runtime.
                    let _ = agent.run().await;
                })
            })
            .collect();
        drop(inside);
        Self { _runtime: runtime, running }
    }

    /// Ends one of them, which reports nothing any more.
    pub(super) fn end(&self, number: usize) {
        if let Some(running) = self.running.get(number - 1) {
            running.abort();
        }
    }
}

/// The command of an agent for events of the table `alarm`: two fail, and three take long.
fn command(number: usize) -> Option<&'static str> {
    match number {
        17 | 58 => Some("echo the switch does not reply >&2; exit 3"),
        9 | 41 | 77 => Some("sleep 4"),
        _ => None,
    }
}

fn builder(folder: &Folder, service: &Service, number: usize) -> pubsub_api::Result<AgentBuilder> {
    let registry = Registry::collect()?;
    let sets = vec![
        format!("publishers_ips={}", service.address()),
        format!("state_dir={}", folder.state_dir(&format!("compute-{number}.state")).display()),
        format!("agent.name=compute-{number}"),
        "agent.keep_table=false".to_owned(),
        "agent.on_failure=skip".to_owned(),
    ];
    let sources = Sources { sets, ..Sources::default() };
    let (settings, _) = all_settings::load(&sources, &registry.settings())?;
    let everything: Pattern = "#".parse()?;
    let builder = AgentBuilder::new(&registry, &settings)?.subscribe(vec![everything.into()]);
    let Some(command) = command(number) else { return Ok(builder) };
    let handler = ExecHandler::new(command, Duration::from_secs(30));
    Ok(builder.handler(EventFilter::Table("alarm".to_owned()), Box::new(handler)))
}
