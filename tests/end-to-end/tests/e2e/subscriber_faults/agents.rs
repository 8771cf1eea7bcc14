//! Agents under test, and what they must come to.

use end_to_end::{Folder, History, Launch, Program, assert_convergent, counter, fold, notice};
use serde_json::Value;

use super::load::is_last;

/// Whether faults are to last as long as the scenarios say.
pub(crate) fn is_long() -> bool {
    std::env::var_os("LONG").is_some_and(|long| !long.is_empty() && long != "0")
}

/// An installation with more settings, in which nobody is taken for dead only because the machine is busy.
pub(crate) fn patient(more: &str) -> Folder {
    Folder::with_settings(&format!("dead_after = \"10s\"\n{more}"))
}

/// An agent for every topic that writes what the validator needs.
pub(crate) fn launch(folder: &Folder, name: &str, publisher: &str) -> Launch {
    folder.agent_launch(name, publisher).args(["--pattern", "#", "--stamps"])
}

/// The same, running, and live.
pub(crate) fn live_agent(folder: &Folder, name: &str, publisher: &str) -> Program {
    let agent = launch(folder, name, publisher).start();
    agent.wait_for_notice(0, "live");
    agent
}

/// Waits for the last event; then the agent's table must be the truth, and its history sound.
#[track_caller]
pub(crate) fn assert_converges(agent: &Program, published: &[Value]) {
    agent.wait_for("the last event", is_last);
    let lines = agent.lines();
    assert_convergent(&lines, &fold(published));
    let _sound = History::of(&lines).assert_sound();
}

/// The same, and nothing may be missing, not even if it is reported.
#[track_caller]
pub(crate) fn assert_complete(agent: &Program, published: &[Value]) {
    assert_converges(agent, published);
    let _complete = History::of(&agent.lines()).assert_without_holes();
}

/// The notices after a mark, without those of single topics: `live` of all is `live`, that of a topic is left out.
pub(crate) fn notices_since(agent: &Program, mark: usize) -> Vec<String> {
    let lines = agent.lines();
    let of_topic = |line: &&Value| notice(line) == Some("live") && line.get("topic").is_some();
    let reported = lines.iter().skip(mark).filter(|line| !of_topic(line)).filter_map(notice);
    reported.map(str::to_owned).collect()
}

/// How often a notice is among these.
pub(crate) fn times(notices: &[String], name: &str) -> usize {
    notices.iter().filter(|notice| *notice == name).count()
}

/// One counter of the delivery of an agent.
pub(crate) fn delivered(folder: &Folder, agent: &str, name: &str) -> u64 {
    counter(&folder.status(agent), "delivery", name)
}
