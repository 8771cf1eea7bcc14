//! `skimmer demo --dse`: three nodes of the data services engine as processes.

mod hosts;
mod nodes;
mod shown;
mod summary;

use std::time::Duration;

use bench_kit::Scratch;
use pubsub_api::{Error, ErrorKind, Result};
use service_kit::{block_on, print_line, report};
use tokio::time::{Instant, sleep};

use super::DemoArguments;
use super::redis::Redis;
use hosts::Hosts;
use nodes::Nodes;
use shown::Viewer;
use summary::Summary;

/// The number of times that the file of the folder is replaced, and when the middle node is killed and started again.
const ROUNDS: usize = 60;
const KILL_AT: usize = 20;
const RESTART_AT: usize = 40;

/// The pause between two changes of the file.
const ROUND_PAUSE: Duration = Duration::from_millis(50);

/// The timeout of each wait.
const PATIENCE: Duration = Duration::from_secs(30);

pub(super) fn run(arguments: &DemoArguments) -> Result<()> {
    let summary = block_on(play(arguments))?;
    print_line(&summary);
    if let Some(verdict) = summary.success() {
        print_line(verdict);
        return Ok(());
    }
    Err(Error::new(ErrorKind::Internal, "the shown table differs from what follows from the files"))
}

async fn play(arguments: &DemoArguments) -> Result<Summary> {
    let scratch = Scratch::new("demo")?;
    let redis = if arguments.redis { Some(Redis::start(scratch.path()).await?) } else { None };
    let mut sets = redis.as_ref().map(Redis::settings).unwrap_or_default();
    sets.extend(arguments.sets.iter().cloned());
    report(
        "three nodes: `reader` publishes a folder of files, `deriver` a part of that table, a third one shows the part",
    );
    let mut hosts = Hosts::new(scratch.path())?;
    let mut nodes = Nodes::start(scratch.path(), &sets).await?;
    let mut viewer = Viewer::start(nodes.viewer()?);
    let initial = hosts.large();
    viewer.wait_for(PATIENCE, |shown| shown.is_live && shown.rows == initial).await;

    let started = Instant::now();
    let mut summary = Summary::default();
    for round in 0..ROUNDS {
        disturb(round, &mut nodes, &mut viewer, &mut summary).await?;
        hosts.change(round)?;
        sleep(ROUND_PAUSE).await;
    }
    let wanted = hosts.large();
    summary.equal_after = viewer.wait_for(PATIENCE, |shown| shown.is_live && shown.rows == wanted).await;
    summary.took = started.elapsed();
    nodes.end().await?;
    summary.rounds = ROUNDS;
    summary.rows_of_files = hosts.len();
    summary.compare(&wanted, &viewer.end().await);
    Ok(summary)
}

/// Kills the middle node, or starts it again, in the rounds for that.
async fn disturb(round: usize, nodes: &mut Nodes, viewer: &mut Viewer, summary: &mut Summary) -> Result<()> {
    if round == KILL_AT {
        report("killing `deriver` (SIGKILL); the files continue to change");
        nodes.kill_deriver().await?;
        summary.noticed_after = viewer.wait_for(PATIENCE, |shown| !shown.is_live).await;
    }
    if round == RESTART_AT {
        report("starting `deriver` again");
        nodes.restart_deriver().await?;
        summary.live_after = viewer.wait_for(PATIENCE, |shown| shown.is_live).await;
    }
    Ok(())
}
