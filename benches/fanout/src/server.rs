use std::fs::File;
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use bench_kit::{cannot, failure};
use pubsub_api::{Error, Result};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::contender::Start;
use crate::pusher::PushAddress;
use crate::scraper::Scraper;

/// A running server in its own process; dropping this ends it.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    /// Scrapes its metrics, if it has an endpoint for them.
    scraper: Option<Scraper>,
    pub(crate) push: PushAddress,
    pub(crate) network: SocketAddr,
}

/// Time limit for the start and the end of a server.
const PATIENCE: Duration = Duration::from_secs(10);

const OUT: &str = "out.log";
const ERR: &str = "err.log";

impl Server {
    /// Starts it in its folder, and waits until it publishes.
    pub(crate) fn start(start: Start, folder: &Path) -> Result<Self> {
        let Start { mut command, push, network } = start;
        let child = spawn(&mut command, folder)?;
        let nowhere = SocketAddr::from(([127, 0, 0, 1], 0));
        let mut server = Self { child, scraper: None, push, network: nowhere };
        let deadline = Instant::now() + PATIENCE;
        loop {
            let at = match network {
                Some(address) => TcpStream::connect_timeout(&address, PATIENCE).is_ok().then_some(address),
                None => announced_address(&folder.join(OUT)),
            };
            if let Some(network) = at {
                server.network = network;
                server.scraper = Scraper::of(command.get_args());
                return Ok(server);
            }
            if let Ok(Some(status)) = server.child.try_wait() {
                return Err(failure(format!("the server ended at startup, with {status}")));
            }
            if Instant::now() > deadline {
                return Err(failure(format!("the server did not publish within {PATIENCE:?}")));
            }
            #[expect(
                clippy::disallowed_methods,
                reason = "the start of a foreign process is polled, with a deadline"
            )]
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Ends the scraper.
    ///
    /// # Errors
    /// As [`Scraper::end`].
    pub(crate) fn end_scraper(&mut self) -> Result<()> {
        self.scraper.as_mut().map_or(Ok(()), Scraper::end)
    }

    /// Sends SIGTERM, waits for the end, and kills it after [`PATIENCE`].
    pub(crate) fn end(&mut self) {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        // A process that has ended has no valid pid.
        if let (Some(pid), Ok(None)) = (pid, self.child.try_wait()) {
            let _ = kill_process(pid, Signal::TERM);
        }
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return;
            }
            #[expect(clippy::disallowed_methods, reason = "the end of a process is polled, with a deadline")]
            std::thread::sleep(Duration::from_millis(5));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // A run that succeeded has ended it.
        let _ = self.end_scraper();
        self.end();
    }
}

fn spawn(command: &mut Command, folder: &Path) -> Result<Child> {
    let file = |name| File::create(folder.join(name)).map_err(cannot("create a server's log"));
    command.current_dir(folder).stdin(Stdio::null()).stdout(file(OUT)?).stderr(file(ERR)?);
    let program = PathBuf::from(command.get_program());
    command.spawn().map_err(cannot(format!("start {}", program.display())))
}

/// The address that one of our servers prints when it is ready: `{"ready":true,"network":"tcp://…"}`.
fn announced_address(file: &Path) -> Option<SocketAddr> {
    let text = std::fs::read_to_string(file).ok()?;
    let documents = text.split_inclusive('\n').filter(|line| line.ends_with('\n'));
    let mut ready = documents.filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let network = ready.find_map(|line| line.get("network")?.as_str().map(str::to_owned))?;
    network.strip_prefix("tcp://")?.parse().ok()
}

/// Adds the end of the log of the server in this folder to the error.
pub(crate) fn with_log(error: Error, folder: &Path) -> Error {
    const LINES: usize = 12;
    let read = |name| std::fs::read_to_string(folder.join(name)).unwrap_or_default();
    let said = [read(OUT), read(ERR)].concat();
    let lines: Vec<&str> = said.lines().collect();
    let tail = lines.get(lines.len().saturating_sub(LINES)..).unwrap_or_default().join("\n");
    let tail = if tail.is_empty() { " is empty".to_owned() } else { format!(" ends:\n{tail}") };
    failure(format!("{error}; its log{tail}"))
}
