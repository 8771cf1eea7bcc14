//! The rows of agents in the end, and their notices on the way.

use std::time::{Duration, Instant};

use end_to_end::{History, Program, fold, is_event, notice};
use redis_servers::PATIENCE;
use serde_json::Value;

use super::rows::{Rows, TABLE};

/// How often an agent's table is looked at: that costs more than a look elsewhere.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// The rows that an agent's output comes to.
pub(crate) fn table_of(agent: &Program) -> Rows {
    let events: Vec<Value> =
        agent.lines().into_iter().filter(|line| is_event(line) && line["table"] == TABLE).collect();
    let value = |event: &Value| event["value"].as_str().unwrap_or_default().to_owned();
    fold(&events).into_iter().map(|((_, key), event)| (key, value(&event))).collect()
}

/// Waits until an agent's table is what the database holds. Besides, what was published has come in order, and nothing twice.
///
/// Numbers may be missing besides those that were reported: an event that is older than what the database held, by its
/// version, is not handed on.
///
/// # Panics
/// If it does not come to that, with the rows that differ.
#[track_caller]
pub(crate) fn assert_equal(agent: &Program, rows: &Rows) {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let table = table_of(agent);
        if table == *rows {
            break;
        }
        if Instant::now() >= deadline {
            let differs = |key: &&String| table.get(*key) != rows.get(*key);
            let keys = rows.keys().chain(table.keys()).filter(differs);
            let wrong: Vec<_> = keys.map(|key| (key, table.get(key), rows.get(key))).take(5).collect();
            panic!(
                "convergent: the agent has {} rows, the database {}; key, agent, database: {wrong:?}\n{:?}\n{}",
                table.len(),
                rows.len(),
                notices_after(agent, 0),
                agent.stderr()
            );
        }
        #[expect(clippy::disallowed_methods, reason = "a poll with a deadline, rarer than that of `until`")]
        std::thread::sleep(LOOK_EVERY);
    }
    let broken = History::of(&agent.lines()).broken();
    assert!(!broken.contains(&"ordered") && !broken.contains(&"unique"), "{broken:?}");
}

/// Asserts that an agent has noticed nothing since a mark: no link was lost, and no event.
#[track_caller]
pub(crate) fn assert_undisturbed(agent: &Program, mark: usize) {
    let disturbed = ["link_down", "stale", "gap", "resync"].map(|name| times(agent, mark, name));
    assert_eq!(disturbed, [0; 4], "{:?}", notices_after(agent, mark));
    let _sound = History::of(&agent.lines()).assert_sound();
}

#[track_caller]
pub(crate) fn assert_all_equal(agents: &[Program], rows: &Rows) {
    assert!(!rows.is_empty(), "the load has written nothing");
    for agent in agents {
        assert_equal(agent, rows);
    }
}

/// The notices after a mark, whole.
pub(crate) fn notices_after(agent: &Program, mark: usize) -> Vec<Value> {
    agent.lines().into_iter().skip(mark).filter(|line| notice(line).is_some()).collect()
}

/// How often a notice came after a mark.
pub(crate) fn times(agent: &Program, mark: usize, name: &str) -> usize {
    notices_after(agent, mark).iter().filter(|line| notice(line) == Some(name)).count()
}

/// The server that an agent is connected to, by its last notice.
pub(crate) fn server_of(agent: &Program) -> String {
    let lines = agent.lines();
    let link = lines.iter().rev().find(|line| notice(line) == Some("subscribed")).expect("it is subscribed");
    link["publisher"].as_str().unwrap_or_default().to_owned()
}

/// Waits until the link was lost and is up again, and the agent has compared its table after a resync.
#[track_caller]
pub(crate) fn wait_for_recovery(agent: &Program, mark: usize) {
    agent.wait_for_notice(mark, "link_down");
    let lost = mark + position(agent, mark, "link_down");
    agent.wait_for_notice(lost, "subscribed");
    let back = lost + position(agent, lost, "subscribed");
    agent.wait_for_notice(back, "resync");
    let reported = back + position(agent, back, "resync");
    agent.wait_for_notice(reported, "synced");
}

fn position(agent: &Program, mark: usize, name: &str) -> usize {
    let lines = agent.lines();
    lines.iter().skip(mark).position(|line| notice(line) == Some(name)).expect("it was waited for")
}
