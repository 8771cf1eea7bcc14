use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use pubsub_api::{Error, ErrorKind, Result};
use redis_servers::RedisServer;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;
use tokio::time::timeout;

use crate::scene::{database, failed, fill, settings};

/// Time limit of a measurement.
const PATIENCE: Duration = Duration::from_secs(120);

/// Time that an agent needs to receive this number of rows from a Redis server, in ms.
pub(crate) async fn from_redis(agent: Option<&Path>, rows: usize) -> Result<f64> {
    let server = RedisServer::start(&["--appendonly", "no"]);
    let sets =
        ["nb_db_class=redis_nb_db_driver".to_owned(), format!("drivers.redis.hosts={}", server.address())];
    measure(agent, sets.to_vec(), rows).await
}

/// Time that it needs to receive them from an SQLite file, in ms.
pub(crate) async fn from_sqlite(agent: Option<&Path>, rows: usize) -> Result<f64> {
    let folder = tempfile::tempdir().map_err(|error| failed("create a folder", error))?;
    let path = folder.path().join("northbound.sqlite");
    measure(agent, vec![format!("drivers.sqlite.path={}", path.display())], rows).await
}

/// From the start of the comparison to its end, as the agent reports it: the rows were read, compared and passed on. The
/// agent's table is empty at the start, so each row is a difference.
async fn measure(agent: Option<&Path>, mut sets: Vec<String>, rows: usize) -> Result<f64> {
    let folder = tempfile::tempdir().map_err(|error| failed("create a folder", error))?;
    sets.push(format!("state_dir={}", folder.path().display()));
    sets.push("use_nb_db=yes".to_owned());
    sets.push("publishers_ips=".to_owned());
    let (registry, settings) = settings(&sets)?;
    let database = database(&registry, &settings).await?;
    fill(&*database, rows).await?;
    let synced = timeout(PATIENCE, synced(agent, &sets)).await;
    let synced = synced.unwrap_or_else(|_| {
        Err(Error::new(ErrorKind::Unavailable, format!("the agent did not finish within {PATIENCE:?}")))
    })?;
    database.close().await?;
    let number = |name: &str| synced.get(name).and_then(Value::as_f64).unwrap_or(-1.0);
    if number("differences") < f64::from(u32::try_from(rows).unwrap_or(u32::MAX)) {
        return Err(Error::new(ErrorKind::Internal, format!("rows are missing: {synced}")));
    }
    Ok(number("took_ms"))
}

/// The notice of an agent that has finished the comparison.
async fn synced(agent: Option<&Path>, sets: &[String]) -> Result<Value> {
    let beside = || std::env::current_exe().map(|this| this.with_file_name("subscriber-agent"));
    let program = match agent {
        Some(program) => program.to_owned(),
        None => beside().unwrap_or_else(|_| PathBuf::from("subscriber-agent")),
    };
    let mut child = Command::new(&program)
        .args(["--log-level", "warn", "--output", "none"])
        .args(sets.iter().flat_map(|set| ["--set", set.as_str()]))
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| failed(&format!("start {}", program.display()), error))?;
    let Some(stdout) = child.stdout.take() else {
        return Err(Error::new(ErrorKind::Internal, "the agent has no output"));
    };
    let mut lines = BufReader::new(stdout).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        let line: Value = serde_json::from_str(&line).unwrap_or_default();
        match line.get("notice").and_then(Value::as_str) {
            Some("synced") => return Ok(line),
            Some("sync_failed") => return Err(Error::new(ErrorKind::Unavailable, line.to_string())),
            _ => {}
        }
    }
    Err(Error::new(ErrorKind::Unavailable, "the agent ended before it had finished the comparison"))
}
