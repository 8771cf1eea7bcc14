use delivery::AgentReading;
use operations::{PeerCondition, PeerList, PeerRow};

use crate::network::Network;

/// An agent that has not applied some event for this long is slow: reports come once a second.
const SLOW_SECONDS: u64 = 3;

/// For how long an error of a handler makes an agent failing, in seconds.
const ERROR_SECONDS: u64 = 300;

/// An agent without news reports every 10 s.
const QUIET_SECONDS: u64 = 10;

/// The agents of the service, for the status page. It takes no lock that publishing waits for.
pub(crate) fn agent_list(network: &Network) -> PeerList {
    match network {
        Network::Bound(publisher) => PeerList {
            kind: "agents",
            note: "Subscribers that report nothing are not listed; skimmer agents counts them.",
            rows: publisher.agents_as_reported().into_iter().map(row).collect(),
        },
        Network::Broker(_) => {
            PeerList::none("agents", "Agents receive from the broker, and report nothing to this service.")
        }
    }
}

fn row(agent: AgentReading) -> PeerRow {
    let condition = condition(&agent);
    let state = if agent.is_reporting() { agent.stream } else { "silent".to_owned() };
    let has_error = agent.last_error_age_seconds.is_some_and(|age| age < ERROR_SECONDS);
    PeerRow {
        id: format!("{} {}", agent.name, agent.instance),
        name: agent.name,
        address: agent.address,
        version: agent.version,
        state,
        condition,
        lag_events: agent.lag_events,
        lag_seconds: agent.lag_seconds,
        quiet_seconds: if agent.report_age_seconds > QUIET_SECONDS { agent.report_age_seconds } else { 0 },
        last_error: agent.last_error.filter(|_| has_error),
    }
}

fn condition(agent: &AgentReading) -> PeerCondition {
    if !agent.is_reporting() {
        return PeerCondition::Stale;
    }
    let has_error = agent.last_error_age_seconds.is_some_and(|age| age < ERROR_SECONDS);
    let is_slow =
        agent.lag_seconds >= SLOW_SECONDS || agent.report_age_seconds > QUIET_SECONDS + SLOW_SECONDS;
    let of_lag = match (has_error, is_slow) {
        (true, _) => PeerCondition::Failing,
        (false, true) => PeerCondition::Slow,
        (false, false) => PeerCondition::Fine,
    };
    of_lag.max(PeerCondition::of_stream(&agent.stream))
}

#[cfg(test)]
mod tests {
    use delivery::{AgentReading, AgentState};
    use operations::PeerCondition;

    use super::row;

    fn agent() -> AgentReading {
        AgentReading {
            name: "compute-7".to_owned(),
            instance: "1f".to_owned(),
            address: "10.0.0.7:4000".to_owned(),
            version: "0.1.0".to_owned(),
            state: AgentState::Reporting,
            stream: "live".to_owned(),
            report_age_seconds: 1,
            lag_events: 40,
            lag_seconds: 1,
            topics: 2,
            topics_left_out: 0,
            last_error: None,
            last_error_age_seconds: None,
        }
    }

    #[test]
    fn the_condition_of_an_agent_is_the_worst_of_its_stream_lag_reports_and_handlers() {
        let error = |age| (Some("exit status 1".to_owned()), Some(age));
        let failed =
            |age| AgentReading { last_error: error(age).0, last_error_age_seconds: error(age).1, ..agent() };
        let stream = |state: &str| AgentReading { stream: state.to_owned(), ..agent() };
        for (reading, condition) in [
            (agent(), PeerCondition::Fine),
            (AgentReading { lag_seconds: 3, ..agent() }, PeerCondition::Slow),
            (AgentReading { report_age_seconds: 14, ..agent() }, PeerCondition::Slow),
            (stream("recovering"), PeerCondition::Slow),
            (failed(10), PeerCondition::Failing),
            (failed(301), PeerCondition::Fine),
            (stream("stale"), PeerCondition::Stale),
            (AgentReading { state: AgentState::Silent, ..agent() }, PeerCondition::Stale),
        ] {
            assert_eq!(row(reading.clone()).condition, condition, "{reading:?}");
        }
        assert_eq!(row(AgentReading { state: AgentState::Silent, ..agent() }).state, "silent");
        assert_eq!((row(failed(10)).last_error.is_some(), row(failed(301)).last_error), (true, None));
    }
}
