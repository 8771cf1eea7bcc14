//! What agents report: how far each has applied the publisher's events.
//!
//! The list is a state machine; the SYNC server passes the reports to it.

mod agent_reading;
mod applied_topic;
mod reported_agent;
mod reported_agents;

use std::collections::HashMap;

use pubsub_api::Topic;

use super::core::Core;
use crate::Position;
pub use agent_reading::{AgentReading, AgentState, RowReading};
pub(super) use reported_agents::{Origin, ReportedAgents};

/// All agents that report.
pub(super) fn agents(core: &Core) -> Vec<AgentReading> {
    let last = last_positions(core);
    core.agents().read(|topic| last.get(topic).copied(), core.now().since_start)
}

/// All agents that report, without the lock of the sequencer.
pub(super) fn agents_as_reported(core: &Core) -> Vec<AgentReading> {
    core.agents().read_as_reported(core.now().since_start)
}

/// The latest event of a row on each topic.
pub(super) fn row(core: &Core, table: &str, key: &str) -> Vec<RowReading> {
    let events = core.snapshots.follower().cache.latest_of(table.as_bytes(), key.as_bytes());
    let (last, now) = (last_positions(core), core.now().since_start);
    let agents = core.agents();
    events.into_iter().map(|event| agents.row(event, |topic| last.get(topic).copied(), now)).collect()
}

/// The last event of each topic. They are copied, because agents with many topics would hold the sequencer's lock for long.
fn last_positions(core: &Core) -> HashMap<Topic, Position> {
    let sequencer = core.sequencer();
    let topics = sequencer.publisher_state.topics.by_use();
    topics.map(|state| (state.topic.clone(), state.sequence.last_position())).collect()
}
