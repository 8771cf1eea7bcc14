//! Agents on a slow line, what they must have, and what they must not report.

use std::time::{Duration, Instant};

use end_to_end::{Folder, NarrowLine, Program, assert_convergent, event, fold, notice, within};
use serde_json::Value;

/// Whether a test is to last as long as what it comes from.
pub(crate) fn is_long() -> bool {
    std::env::var_os("LONG").is_some_and(|long| !long.is_empty() && long != "0")
}

/// The number of rows, of a KiB each.
pub(crate) fn rows(from: usize, to: usize) -> Vec<Value> {
    (from..to).map(|row| event("t", &row.to_string(), "set", "v".repeat(1000), "D")).collect()
}

/// An agent for every topic on a line.
pub(crate) fn agent(folder: &Folder, name: &str, line: &NarrowLine) -> Program {
    let agent = folder.agent_launch(name, line.address()).args(["--pattern", "#"]);
    agent.set("agent.save_interval", "100ms").start()
}

/// Waits until the agent has an event on each of this number of rows, and is live as a whole.
#[track_caller]
pub(crate) fn wait_until_whole(agent: &Program, line: &NarrowLine, published: &[Value], patience: Duration) {
    let deadline = Instant::now() + patience;
    within(patience + Duration::from_secs(1), "every row", || {
        let lines = agent.lines();
        let is_live = lines.iter().any(|line| notice(line) == Some("live") && line["topic"].is_null());
        let events = agent.events().len();
        let is_whole = is_live && events >= published.len();
        assert!(
            is_whole || Instant::now() < deadline,
            "{events} of {} rows after {patience:?}, and {} bytes carried: {:?}\n{}",
            published.len(),
            line.carried_bytes(),
            agent.notices(),
            agent.stderr(),
        );
        is_whole.then_some(())
    });
    assert_convergent(&agent.lines(), &fold(published));
}

/// Asserts that an agent reported neither a loss nor a link that broke.
#[track_caller]
pub(crate) fn assert_nothing_was_lost(agent: &Program) {
    let reported = agent.notices();
    let is_bad = |name: &&String| ["gap", "resync", "link_down", "stale"].contains(&name.as_str());
    assert_eq!(reported.iter().filter(is_bad).count(), 0, "{reported:?}\n{}", agent.stderr());
}
