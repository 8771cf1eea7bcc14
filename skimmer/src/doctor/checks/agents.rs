use delivery::AgentReading;

use crate::doctor::check::Check;
use crate::doctor::facts::{AgentsFact, Facts};
use crate::doctor::host_role::HostRole::Service;
use crate::doctor::verdict::Verdict;

pub(super) const CHECKS: &[Check] = &[
    Check {
        id: "agents-silent",
        of: &[Service],
        demands: "Every agent that has reported within the last hour still reports.",
        judge: silent,
    },
    Check {
        id: "agents-behind",
        of: &[Service],
        demands: "No agent is behind for longer than `agent.max_delay`.",
        judge: behind,
    },
    Check {
        id: "agents-errors",
        of: &[Service],
        demands: "No handler of an agent has failed within the last ten minutes.",
        judge: errors,
    },
    Check {
        id: "agents-versions",
        of: &[Service],
        demands: "Agents have the version of this command.",
        judge: versions,
    },
    Check {
        id: "agents-unknown",
        of: &[Service],
        demands: "Every subscriber reports what it has applied.",
        judge: unknown,
    },
];

const RECENTLY_SECONDS: u64 = 600;

/// Judges the agents, if the service lists any.
fn judged(facts: &Facts, judge: impl Fn(&AgentsFact) -> Verdict) -> Verdict {
    match &facts.agents {
        Some(known) if !known.agents.is_empty() => judge(known),
        Some(_) => Verdict::not_applicable("no agent has reported to the service"),
        None => Verdict::not_applicable("no service runs that agents report to"),
    }
}

fn problems(known: &AgentsFact, problem: impl Fn(&AgentReading) -> Option<String>) -> Vec<String> {
    known.agents.iter().filter_map(|agent| Some(format!("{}: {}", agent.name, problem(agent)?))).collect()
}

fn silent(facts: &Facts) -> Verdict {
    judged(facts, |known| {
        let silent = problems(known, |agent| {
            (!agent.is_reporting()).then(|| format!("no report for {} s", agent.report_age_seconds))
        });
        let remedy = "look at the host whether the agent runs (skimmer doctor --for agent)";
        Verdict::warn_of(silent, remedy, format!("{} agents report", known.agents.len()))
    })
}

fn behind(facts: &Facts) -> Verdict {
    let most = facts.settings.max_delay.as_secs();
    judged(facts, |known| {
        let slow = problems(known, |agent| {
            let is_slow = agent.is_reporting() && agent.behind_seconds() > most;
            is_slow.then(|| format!("{} events behind for {} s", agent.lag_events, agent.behind_seconds()))
        });
        Verdict::fail_for(
            slow,
            "`skimmer trace` names what an agent lacks; its handlers or its host are too slow",
            "no agent is",
        )
    })
}

fn errors(facts: &Facts) -> Verdict {
    judged(facts, |known| {
        let failed = problems(known, |agent| {
            let age = agent.last_error_age_seconds.filter(|age| *age <= RECENTLY_SECONDS)?;
            Some(format!("{} ({age} s ago)", agent.last_error.as_deref().unwrap_or("an error")))
        });
        Verdict::warn_of(failed, "see the log of the agent", "no handler has failed")
    })
}

fn versions(facts: &Facts) -> Verdict {
    let own = env!("CARGO_PKG_VERSION");
    judged(facts, |known| {
        let others =
            problems(known, |agent| (agent.version != own).then(|| format!("version {}", agent.version)));
        Verdict::warn_of(
            others,
            &format!("this command has version {own}: upgrade the older ones"),
            format!("all have version {own}"),
        )
    })
}

fn unknown(facts: &Facts) -> Verdict {
    match &facts.agents {
        None => Verdict::not_applicable("no service runs that agents report to"),
        Some(AgentsFact { unknown: None, .. }) => Verdict::not_applicable("too many connections to tell"),
        Some(AgentsFact { unknown: Some(hosts), .. }) => {
            let silent =
                hosts.iter().map(|(host, count)| format!("{count} subscribers of {host} do not report"));
            Verdict::warn_of(
                silent.collect(),
                "set agent.applied_interval there; foreign subscribers never report",
                "all subscribers report",
            )
        }
    }
}
