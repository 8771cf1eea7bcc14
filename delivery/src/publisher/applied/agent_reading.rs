use serde::{Deserialize, Serialize};

/// An agent that reports how far it has applied the publisher's events.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentReading {
    /// Its name: its host, or `agent.name`.
    pub name: String,
    /// A number of this start of the agent, in hexadecimal digits.
    pub instance: String,
    /// Where it connected from, as the driver names it; empty if the driver has no name for it.
    pub address: String,
    /// The version of the agent.
    pub version: String,
    /// Whether it reports.
    pub state: AgentState,
    /// The state of this publisher's stream at the agent, as of its last report.
    pub stream: String,
    /// The seconds since its last report.
    pub report_age_seconds: u64,
    /// The number of published events that it has not applied, on the topics that it reports.
    pub lag_events: u64,
    /// The seconds since which it has not applied some event that was published before: at most one interval of reports too few,
    /// and 0 if it applied everything that was published before its last report.
    pub lag_seconds: u64,
    /// The number of topics that it reports.
    pub topics: usize,
    /// The number of topics of its last report that the publisher does not keep, because all agents together report too many:
    /// events on them are not in the lag.
    pub topics_left_out: u64,
    /// The last error of its handlers.
    pub last_error: Option<String>,
    /// The seconds since that error.
    pub last_error_age_seconds: Option<u64>,
}

impl AgentReading {
    /// Whether it reported within the last half minute.
    #[must_use]
    pub fn is_reporting(&self) -> bool {
        self.state == AgentState::Reporting
    }

    /// For how many seconds it may be behind: as it reported, or since its last report, if events were published that it has not
    /// reported as applied. A process that is stopped is behind for longer and longer.
    #[must_use]
    pub fn behind_seconds(&self) -> u64 {
        let since_report = if self.lag_events > 0 { self.report_age_seconds } else { 0 };
        self.lag_seconds.max(since_report)
    }
}

/// Whether an agent reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AgentState {
    /// It reported within the last half minute.
    Reporting,
    /// It has not reported for longer; it is forgotten after an hour.
    Silent,
}

/// The latest event of a row on one topic, and which agents have applied it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowReading {
    /// The topic.
    pub topic: String,
    /// The publisher's epoch in which the event was numbered.
    pub epoch: u64,
    /// Its sequence on the topic.
    pub sequence: u64,
    /// When it was numbered, in microseconds since 1970, by the clock of the publisher.
    pub time_us: u64,
    /// Its action.
    pub action: String,
    /// The names of the agents that report the topic and have applied the event.
    pub applied: Vec<String>,
    /// The agents that report the topic and have not applied the event.
    pub not_applied: Vec<AgentReading>,
}
